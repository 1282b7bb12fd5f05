package hubtest

import (
	"context"
	"testing"
	"time"
)

// patience is how long anything may take. It says nothing about how long it should: the machine may be busy.
const patience = 4 * time.Minute

// Patient returns a context that ends when the test has waited long enough for one thing.
func Patient(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// Eventually calls try until it returns nil. It is for what cannot be watched; what can is waited for with Hub.Until. The
// test is over with the last error if that takes too long.
func Eventually(t testing.TB, what string, try func() error) {
	t.Helper()
	ctx := Patient(t)
	for {
		began := time.Now()
		err := try()
		if err == nil {
			return
		}
		select {
		case <-time.After(min(max(100*time.Millisecond, 2*time.Since(began)), time.Second)): // what is awaited needs the machine
		case <-ctx.Done():
			t.Fatalf("waiting for %s: %v", what, err)
		}
	}
}
