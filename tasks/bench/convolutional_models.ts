/** Two networks of convolutions that the benchmark times: an x-vector's body, and four convolutions over a spectrogram. @module */
import { BatchNorm1d, Conv1d, Conv2d, Dropout, Linear, Module, ModuleList } from "../../nn/mod.ts";
import { adaptiveAvgPool2d, cat, maxPool2d, type Tensor } from "../../tensor/mod.ts";

/** Convolution over time, ReLU, batch normalisation. */
class TimeDelayLayer extends Module {
  readonly conv: Conv1d;
  readonly norm: BatchNorm1d;

  constructor(inChannels: number, outChannels: number, [kernelSize, dilation]: readonly [number, number]) {
    super();
    this.conv = new Conv1d(inChannels, outChannels, kernelSize, { dilation });
    this.norm = new BatchNorm1d(outChannels);
  }

  forward(x: Tensor): Tensor {
    return this.norm.forward(this.conv.forward(x, { activation: "relu" }));
  }
}

/** Dilated convolutions over time, then mean and deviation over time (Snyder et al. 2018, "X-vectors"). */
export class TimeDelayNetwork extends Module {
  readonly layers: ModuleList<TimeDelayLayer>;
  readonly head: Linear;

  constructor({ mels = 80, channels = 512, classes = 600 } = {}) {
    super();
    this.layers = new ModuleList([
      new TimeDelayLayer(mels, channels, [5, 1]),
      new TimeDelayLayer(channels, channels, [3, 2]),
      new TimeDelayLayer(channels, channels, [3, 3]),
      new TimeDelayLayer(channels, channels, [1, 1]),
      new TimeDelayLayer(channels, 1500, [1, 1]),
    ]);
    this.head = new Linear(3000, classes);
  }

  /** (batch, mels, time) → (batch, classes). */
  forward(x: Tensor): Tensor {
    for (const layer of this.layers) x = layer.forward(x);
    return this.head.forward(cat([x.mean(2), x.std(2)], 1));
  }
}

/** Four convolutions of 3 by 3 over (batch, 1, mels, time), pooled after each second one and to 8 by 8 at the end. */
export class SoundNetwork extends Module {
  readonly convs: ModuleList<Conv2d>;
  readonly fc1 = new Linear(16384, 128);
  readonly fc2: Linear;
  readonly drop = new Dropout(0.25);
  readonly dropHead = new Dropout(0.5);

  constructor({ classes = 10 } = {}) {
    super();
    const widths = [1, 32, 64, 128, 256];
    this.convs = new ModuleList(widths.slice(1).map((width, i) => new Conv2d(widths[i], width, 3)));
    this.fc2 = new Linear(128, classes);
  }

  forward(x: Tensor): Tensor {
    for (const [i, conv] of [...this.convs].entries()) {
      x = conv.forward(x, { activation: "relu" });
      if (i % 2 === 1) x = this.drop.forward(maxPool2d(x, { kernelSize: 2 }));
    }
    const flat = adaptiveAvgPool2d(x, [8, 8]).reshape([x.shape[0], -1]);
    return this.fc2.forward(this.dropHead.forward(this.fc1.forward(flat, { activation: "relu" })));
  }
}
