package rollbook;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/** Waits between streams, longer each time until one got further. */
final class Patience {
  private static final long FIRST_MILLIS = 200;
  private static final long LONGEST_MILLIS = 30_000;

  /** How long an upload may get no further before it is given up. */
  private static final long STUCK_MILLIS = 300_000;

  /** The likeliest reason why a server was never heard of is that it is not there. */
  private static final long UNHEARD_MILLIS = 10_000;

  private boolean heard;
  private long committed;
  private int failures;
  private long stuckSince;

  /** Notes that the server has answered once. */
  void heard() {
    heard = true;
  }

  /** Notes up to where the server has the file. */
  void reached(long offset) {
    if (offset > committed) {
      committed = offset;
      failures = 0;
    }
  }

  /** Waits after a failure; false, at once, if that would take too long. */
  boolean await(Throwable failure) throws InterruptedException {
    long now = System.nanoTime() / 1_000_000;
    if (failures == 0) {
      stuckSince = now;
    }
    heard = heard || !Reason.of(failure).isEmpty();
    long delay = Reason.retryAfter(failure).orElse(Duration.ZERO).toMillis() + backoff();
    if (now + delay - stuckSince > (heard ? STUCK_MILLIS : UNHEARD_MILLIS)) {
      return false;
    }
    failures++;
    Thread.sleep(delay);
    return true;
  }

  /** Spread, so that those whom one server sent away do not come back together. */
  private long backoff() {
    long doubled = Math.min(LONGEST_MILLIS, FIRST_MILLIS << Math.min(failures, 8));
    return (long) (doubled * (0.5 + ThreadLocalRandom.current().nextDouble() / 2));
  }
}
