package supervisor

import (
	"slices"
	"testing"
	"time"
)

func TestBackoffDoublesUpToTenSeconds(t *testing.T) {
	var b backoff
	var got []time.Duration
	for range 9 {
		got = append(got, b.next(time.Second))
	}
	const ms = time.Millisecond
	want := []time.Duration{
		100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 6400 * ms, 10 * time.Second, 10 * time.Second,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestBackoffBeginsAnewAfterAMinuteOfHealth(t *testing.T) {
	var b backoff
	b.next(0)
	b.next(0)
	if got := b.next(59 * time.Second); got != 400*time.Millisecond {
		t.Errorf("after less than a minute: got %v, want 400ms", got)
	}
	if got := b.next(time.Minute); got != 100*time.Millisecond {
		t.Errorf("after a minute: got %v, want 100ms", got)
	}
}
