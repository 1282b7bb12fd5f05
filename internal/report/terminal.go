package report

import (
	"context"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// frameEvery is the time between two frames of the live display.
const frameEvery = 100 * time.Millisecond

// terminal draws the steps that are under way on the last lines of the screen, and what has ended above them, for good.
// Reporting only notes what happened: everything is written by the goroutine that draws.
type terminal struct {
	out   io.Writer
	width func() int

	mu     sync.Mutex
	active []Event // the last event of each step under way, in the order of their starts
	ended  []Event // ends that are not drawn yet
	frozen bool    // nothing is drawn live any more
	closed bool
	err    error
	canvas canvas

	stop    context.CancelFunc
	stopped chan struct{}
}

// NewTerminal returns a sink that shows a line for each step under way, with a spinner, the time that it takes and what
// it waits for, and above those a line for each step that has ended. Lines are cut to the terminal's width in columns,
// which width tells at any time. Colours are left out if NO_COLOR is set.
//
// Nothing else may write to the terminal until Close, or until ctx ends, which ends the live display too: the lines of
// steps under way vanish, the cursor is back, and of what is reported later only ends are written.
func NewTerminal(ctx context.Context, w io.Writer, width func() int) Sink {
	drawing, stop := context.WithCancel(ctx)
	t := &terminal{
		out: w, width: width, stop: stop, stopped: make(chan struct{}),
		canvas: canvas{colours: os.Getenv("NO_COLOR") == ""},
	}
	go t.animate(drawing)
	return t
}

func (t *terminal) Report(e Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	at := slices.IndexFunc(t.active, func(other Event) bool { return other.Step == e.Step })
	switch {
	case e.State != Started && e.State != Waiting:
		if at >= 0 {
			t.active = slices.Delete(t.active, at, at+1)
		}
		t.ended = append(t.ended, e)
	case at >= 0:
		t.active[at] = e
	default:
		t.active = append(t.active, e)
	}
	if t.frozen {
		t.draw()
	}
}

// animate draws until ctx ends.
func (t *terminal) animate(ctx context.Context) {
	defer close(t.stopped)
	ticker := time.NewTicker(frameEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			t.mu.Lock()
			t.draw()
			t.mu.Unlock()
		case <-ctx.Done():
			t.mu.Lock()
			t.frozen = true
			t.draw()
			t.mu.Unlock()
			return
		}
	}
}

// draw writes what has changed since it was called last.
func (t *terminal) draw() {
	var live []Event
	if !t.frozen {
		live = t.active
	}
	frame := t.canvas.frame(t.ended, live, t.width(), time.Now())
	t.ended = nil
	if frame != "" && t.err == nil {
		_, t.err = io.WriteString(t.out, frame)
	}
}

// Close draws the ends that are not drawn yet, and says of other steps that they have not ended.
func (t *terminal) Close() error {
	t.stop()
	<-t.stopped
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.closed = true
		for _, e := range t.active {
			elapsed := time.Since(e.Time) + e.Elapsed
			t.ended = append(t.ended, Event{Time: time.Now(), Step: e.Step, State: unfinished, Elapsed: elapsed})
		}
		t.active = nil
		t.draw()
	}
	return t.err
}

// unfinished is how a step stands that nobody has told the end of.
const unfinished State = "not finished"
