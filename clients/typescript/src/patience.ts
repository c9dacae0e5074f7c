import { setTimeout } from "node:timers/promises";

import { reason, retryAfter } from "./reason.js";

const FIRST_WAIT = 200;
const LONGEST_WAIT = 30_000;

// How long an upload may get no further before it is given up.
const STUCK_LIMIT = 300_000;

// The likeliest reason why a server was never heard of is that it is not there.
const UNHEARD_LIMIT = 10_000;

/** Waits between streams, longer each time until one got further. All in milliseconds. */
export class Patience {
  /** Whether the server has answered once. */
  heard = false;
  #committed = 0;
  #failures = 0;
  #stuckSince: number | undefined;

  /** Notes up to where the server has the file. */
  reached(committed: number): void {
    if (committed <= this.#committed) return;
    this.#committed = committed;
    this.#failures = 0;
    this.#stuckSince = undefined;
  }

  /** Waits after a failure; false, at once, if that would take too long. */
  async wait(failure: unknown, signal?: AbortSignal): Promise<boolean> {
    const now = performance.now();
    this.#stuckSince ??= now;
    this.heard ||= reason(failure) !== "";
    const delay = (retryAfter(failure) ?? 0) + this.#backoff();
    const limit = this.heard ? STUCK_LIMIT : UNHEARD_LIMIT;
    if (now + delay - this.#stuckSince > limit) return false;
    this.#failures += 1;
    await setTimeout(delay, undefined, { signal });
    return true;
  }

  /** Spread, so that those whom one server sent away do not come back together. */
  #backoff(): number {
    const doubled = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(this.#failures, 8));
    return doubled * (0.5 + Math.random() / 2);
  }
}
