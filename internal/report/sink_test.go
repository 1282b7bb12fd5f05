package report

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestModesAreTheSinksNames(t *testing.T) {
	var mode Mode
	for _, name := range []string{"auto", "plain", "json", "terminal"} {
		if err := mode.Set(name); err != nil || mode.String() != name {
			t.Errorf("%s: got %v, %v", name, mode, err)
		}
	}
	if err := mode.Set("xml"); err == nil || err.Error() != "want one of auto, plain, json, terminal" {
		t.Errorf("got %v", err)
	}
	if mode != Terminal {
		t.Errorf("a wrong name changed the mode to %q", mode)
	}
}

func TestTheSinkFitsWhereItWrites(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	isPlain := func(s Sink) bool { _, ok := s.(*plain); return ok }
	isLive := func(s Sink) bool { _, ok := s.(*terminal); return ok }
	isJSON := func(s Sink) bool { _, ok := s.(*jsonSink); return ok }
	tests := []struct {
		name string
		mode Mode
		term string
		want func(Sink) bool
	}{
		{"a file", Auto, "xterm", isPlain},
		{"plain", Plain, "xterm", isPlain},
		{"json", JSON, "xterm", isJSON},
		{"json on a dumb terminal", JSON, "dumb", isJSON},
		{"a terminal that was asked for", Terminal, "xterm", isLive},
		{"a dumb terminal", Terminal, "dumb", isPlain},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("TERM", test.term)
			sink := New(t.Context(), test.mode, file)
			if !test.want(sink) {
				t.Errorf("got a %T", sink)
			}
			if err := sink.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestClosingTellsThatWritingDidNotWork(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = full.Close() })
	for _, mode := range []Mode{Plain, JSON, Terminal} {
		sink := New(t.Context(), mode, full)
		Start(sink, "cluster", "").Done("")
		if err := sink.Close(); err == nil {
			t.Errorf("%s: no error", mode)
		}
	}
}

func TestNothingIsWrittenAfterClose(t *testing.T) {
	for _, mode := range []Mode{Plain, Terminal} {
		var out output
		sink := New(t.Context(), mode, &out)
		if err := errors.Join(sink.Close(), sink.Close()); err != nil {
			t.Error(err)
		}
		Start(sink, "cluster", "").Done("")
		if out.String() != "" {
			t.Errorf("%s: got %q", mode, out.String())
		}
	}
}

func TestDurationsAreWrittenForPeople(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0.0s":   0,
		"4.2s":   4230 * time.Millisecond,
		"9.9s":   9949 * time.Millisecond,
		"10s":    9951 * time.Millisecond,
		"59s":    59499 * time.Millisecond,
		"1m00s":  59501 * time.Millisecond,
		"4m02s":  242 * time.Second,
		"59m59s": time.Hour - time.Second,
		"1h00m":  time.Hour - time.Millisecond,
		"1h04m":  64*time.Minute + 12*time.Second,
	} {
		if got := took(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
}
