/** How the golden cases of PLDA are computed: op → outputs. Nothing of it needs a device. */
import { type LengthNorm, pldaPsi, pldaScore, pldaTrain } from "../mod.ts";
import type { ComparedArray, GoldenArgs, GoldenArrays } from "./goldens.ts";

type PldaCase = (inputs: GoldenArrays, args: GoldenArgs) => Promise<Record<string, ComparedArray>>;

const matrix = ({ data }: GoldenArrays[string]) => Float64Array.from(data);
const rows = ({ data, shape: [count, dim] }: GoldenArrays[string]) => ({ values: Float64Array.from(data), count, dim });

/** By the case's `op`. */
export const pldaCases: Readonly<Record<string, PldaCase>> = {
  pldaTrain: async ({ x, labels }, { iterations }) => {
    const { dim, mean, between, within } = await pldaTrain(rows(x), {
      labels: labels.data,
      iterations: iterations as number,
    });
    const square = (data: Float64Array) => ({ shape: [dim, dim], data });
    return { mean: { shape: [dim], data: mean }, between: square(between), within: square(within) };
  },
  pldaScore: async ({ mean, between, within, enrol, test, counts }, { lengthNorm }) => {
    const plda = {
      dim: mean.data.length,
      mean: matrix(mean),
      between: matrix(between),
      within: matrix(within),
    };
    const options = { enrol: rows(enrol), test: rows(test), counts: counts.data, lengthNorm: lengthNorm as LengthNorm };
    return { score: { shape: [enrol.shape[0], test.shape[0]], data: await pldaScore(plda, options) } };
  },
  pldaPsi: async ({ between, within }) => {
    const dim = between.shape[0];
    return { psi: { shape: [dim], data: await pldaPsi({ dim, between: matrix(between), within: matrix(within) }) } };
  },
};
