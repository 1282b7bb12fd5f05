package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hinshun/vt10x"
)

// screen is a terminal that remembers what was written to it.
type screen struct {
	vt10x.Terminal
	columns int
	raw     output
}

func newScreen(columns, rows int) *screen {
	return &screen{Terminal: vt10x.New(vt10x.WithSize(columns, rows)), columns: columns}
}

// Write takes line breaks as a terminal in its usual mode does, with a return to the line's beginning.
func (s *screen) Write(p []byte) (int, error) {
	_, _ = s.raw.Write(p)
	_, err := io.WriteString(s.Terminal, strings.ReplaceAll(string(p), "\n", "\r\n"))
	return len(p), err
}

func (s *screen) width() int { return s.columns }

// check compares what the screen shows, without empty lines at its end and spaces at the lines' ends.
func (s *screen) check(t *testing.T, want ...string) {
	t.Helper()
	lines := strings.Split(s.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	if got := strings.TrimRight(strings.Join(lines, "\n"), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// live runs a test with a terminal sink on a screen, on a clock of its own.
func live(t *testing.T, s *screen, test func(t *testing.T, cancel context.CancelFunc, sink Sink)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		sink := NewTerminal(ctx, s, s.width)
		pass(time.Millisecond) // so that no frame falls together with what the test looks at
		test(t, cancel, sink)
		if err := sink.Close(); err != nil {
			t.Error(err)
		}
		if !s.CursorVisible() {
			t.Error("the cursor is not back")
		}
	})
}

func TestStepsUnderWayAreDrawnBelowThoseThatEnded(t *testing.T) {
	s := newScreen(60, 10)
	live(t, s, func(t *testing.T, _ context.CancelFunc, sink Sink) {
		cluster := Start(sink, "cluster", "")
		repositories := Start(sink, "repositories", "looking for them")
		cluster.Wait("waiting for etcd")
		pass(frameEvery)
		s.check(t,
			"⠋ cluster           0.1s  waiting for etcd",
			"⠋ repositories      0.1s  looking for them",
		)
		if s.CursorVisible() {
			t.Error("the cursor blinks within the display")
		}
		pass(frameEvery)
		s.check(t,
			"⠙ cluster           0.2s  waiting for etcd",
			"⠙ repositories      0.2s  looking for them",
		)
		repositories.Unchanged("")
		cluster.Wait("almost there")
		pass(time.Second)
		s.check(t,
			"✓ repositories    unchanged",
			"⠙ cluster           1.2s  almost there",
		)
		cluster.Wait("there")
		pass(frameEvery)
		s.check(t,
			"✓ repositories    unchanged",
			"⠹ cluster           1.3s  there",
		)
		cluster.Done("3 processes")
		components := Start(sink, "components", "")
		pass(frameEvery)
		s.check(t,
			"✓ repositories    unchanged",
			"✓ cluster         done in 1.3s: 3 processes",
			"⠸ components        0.1s",
		)
		components.Fail(errors.New("kyverno:\n  not ready"))
		pass(frameEvery)
		if !s.CursorVisible() {
			t.Error("the cursor is hidden while nothing is drawn")
		}
	})
	s.check(t,
		"✓ repositories    unchanged",
		"✓ cluster         done in 1.3s: 3 processes",
		"✗ components      failed after 0.1s: kyverno:",
		"                    not ready",
	)
}

func TestLongMessagesAreCutToTheWidth(t *testing.T) {
	s := newScreen(40, 10)
	live(t, s, func(t *testing.T, _ context.CancelFunc, sink Sink) {
		step := Start(sink, "cluster", "")
		step.Wait("waiting for 世界世界世界世界\nand more")
		other := Start(sink, "other", "")
		for range 3 { // each frame covers the one before
			pass(frameEvery)
		}
		s.check(t,
			"⠹ cluster           0.3s  waiting for …",
			"⠹ other             0.3s",
		)
		step.Done("")
		other.Done("")
	})
	s.check(t, "✓ cluster         done in 0.3s", "✓ other           done in 0.3s")
}

func TestATerminalThatIsMadeNarrowerIsDrawnOver(t *testing.T) {
	c := canvas{}
	message := strings.Repeat("x", 100)
	now := time.Now()
	events := []Event{{Time: now, Step: "a", State: Waiting, Message: message}, {Time: now, Step: "b", State: Started}}
	c.frame(nil, events, 100, now)
	if got := c.frame(nil, events, 40, now); !strings.Contains(got, "\r\x1b[4A") {
		t.Errorf("99 columns on a terminal of 40 are three rows: want the cursor to go up 3+1 rows, got %q", got)
	}
	if got := c.frame(nil, events, 40, now); !strings.Contains(got, "\r\x1b[2A") {
		t.Errorf("want the cursor to go up 2 rows, got %q", got)
	}
}

func TestMoreStepsThanFitAreCounted(t *testing.T) {
	s := newScreen(40, 20)
	live(t, s, func(t *testing.T, _ context.CancelFunc, sink Sink) {
		for i := range liveMost + 3 {
			Start(sink, fmt.Sprintf("step-%d", i), "")
		}
		pass(frameEvery)
		if text := s.String(); !strings.Contains(text, "step-11 ") || strings.Contains(text, "step-12 ") ||
			!strings.Contains(text, "  and 3 more") {
			t.Errorf("got\n%s", text)
		}
	})
}

func TestWhenTheContextEndsTheDisplayDoesAndEndsAreStillTold(t *testing.T) {
	s := newScreen(60, 10)
	live(t, s, func(t *testing.T, cancel context.CancelFunc, sink Sink) {
		cluster := Start(sink, "cluster", "")
		Start(sink, "repositories", "")
		pass(frameEvery)
		cancel()
		synctest.Wait()
		s.check(t)
		if !s.CursorVisible() {
			t.Error("the cursor is not back")
		}
		cluster.Fail(context.Canceled)
		s.check(t, "✗ cluster         failed after 0.1s: context canceled")
		pass(time.Second)
	})
	s.check(t,
		"✗ cluster         failed after 0.1s: context canceled",
		"- repositories    not finished after 1.1s",
	)
}

func TestNothingIsWrittenWhileNothingHappens(t *testing.T) {
	s := newScreen(60, 10)
	live(t, s, func(t *testing.T, _ context.CancelFunc, sink Sink) {
		pass(time.Second)
		if got := s.raw.String(); got != "" {
			t.Errorf("got %q", got)
		}
		Start(sink, "cluster", "").Done("")
		pass(frameEvery)
		before := s.raw.String()
		pass(time.Second)
		if after := s.raw.String(); after != before {
			t.Errorf("got %q", strings.TrimPrefix(after, before))
		}
	})
}

func TestColoursAreLeftOutOnRequest(t *testing.T) {
	for _, noColor := range []string{"", "1"} {
		t.Setenv("NO_COLOR", noColor)
		s := newScreen(60, 10)
		live(t, s, func(_ *testing.T, _ context.CancelFunc, sink Sink) {
			step := Start(sink, "cluster", "")
			pass(frameEvery)
			step.Done("")
		})
		if coloured := strings.Contains(s.raw.String(), green); coloured != (noColor == "") {
			t.Errorf("NO_COLOR=%q: colours are %v", noColor, coloured)
		}
	}
}
