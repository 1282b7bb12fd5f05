package supervisor

import (
	"context"
	"time"
)

const (
	backoffFirst = 100 * time.Millisecond
	backoffMost  = 10 * time.Second
	backoffReset = time.Minute
)

// backoff is the pause before something that ended by itself is started again. It doubles each time, so that something
// broken costs little, and begins anew after a minute of health, so that a rare fault is repaired at once.
type backoff struct {
	last time.Duration
}

// next returns the pause that is due after health lasted that long.
func (b *backoff) next(healthy time.Duration) time.Duration {
	if b.last == 0 || healthy >= backoffReset {
		b.last = backoffFirst
	} else {
		b.last = min(2*b.last, backoffMost)
	}
	return b.last
}

func (b *backoff) reset() { b.last = 0 }

// sleep returns true after the pause, or false when ctx ends before.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
