package rollbook

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	firstWait   = 200 * time.Millisecond
	longestWait = 30 * time.Second
	// How long an upload may get no further before it is given up.
	stuckLimit = 5 * time.Minute
	// The likeliest reason why a server was never heard of is that it is not there.
	unheardLimit = 10 * time.Second
)

// patience waits between streams, longer each time until one got further.
type patience struct {
	heard      bool // the server has answered once
	committed  int64
	failures   int
	stuckSince time.Time
}

// reached notes up to where the server has the file.
func (p *patience) reached(committed int64) {
	if committed > p.committed {
		p.committed, p.failures, p.stuckSince = committed, 0, time.Time{}
	}
}

// wait waits after a failure; it gives the failure back if that would take too long.
func (p *patience) wait(ctx context.Context, failure error) error {
	if p.stuckSince.IsZero() {
		p.stuckSince = time.Now()
	}
	p.heard = p.heard || Reason(failure) != ""
	asked, _ := retryAfter(failure)
	delay := asked + p.backoff()
	if time.Since(p.stuckSince)+delay > p.limit() {
		return failure
	}
	p.failures++
	select {
	case <-time.After(delay):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *patience) limit() time.Duration {
	if p.heard {
		return stuckLimit
	}
	return unheardLimit
}

// backoff is spread, so that those whom one server sent away do not come back together.
func (p *patience) backoff() time.Duration {
	doubled := min(longestWait, firstWait<<min(p.failures, 8))
	return time.Duration(float64(doubled) * (0.5 + rand.Float64()/2))
}
