package hub

import (
	"testing"
	"time"
)

func TestWhatIsRepeatedEndsWithItsStop(t *testing.T) {
	called := make(chan struct{}, 1000)
	stop := repeat(t.Context(), time.Millisecond, func() { called <- struct{}{} })
	for range 3 {
		<-called
	}
	stop()
	for len(called) > 0 {
		<-called
	}
	select {
	case <-called:
		t.Error("it was called after it was stopped")
	case <-time.After(20 * time.Millisecond):
	}
}
