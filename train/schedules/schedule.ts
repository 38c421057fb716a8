/** What all learning-rate schedules have in common. @module */

/**
 * A learning rate for each step. Steps count from 0: `lrAt(0)` is the rate of the very first step, before anything has been
 * learned, as `scheduler.get_last_lr()` in PyTorch before its first `scheduler.step()`.
 */
export interface Schedule {
  /** The rate of the step with this number. Depends on the number alone, unless the schedule watches a metric. */
  lrAt(step: number): number;
}

/** A schedule whose rate depends on how a metric has gone, so that it has a state to be saved. */
export interface MetricSchedule extends Schedule {
  /** Takes the metric of one validation and returns the rate from now on. */
  observe(metric: number): number;
  /** All there is to save, as plain numbers. */
  stateDict(): Record<string, number>;
  /**
   * Puts back what `stateDict()` gave.
   *
   * @throws {TypeError} Where a number is missing or there is one too many.
   */
  loadStateDict(state: Readonly<Record<string, number>>): void;
}

/** Whether a schedule wants to be told the validation metric. */
export function watchesMetric(schedule: Schedule): schedule is MetricSchedule {
  return "observe" in schedule;
}
