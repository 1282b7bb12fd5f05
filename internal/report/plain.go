package report

import (
	"io"
	"sync"
	"time"
)

// plainEvery is the least time between two lines about what one step waits for, and between its start and the first of
// them: short waits are not worth a line.
const plainEvery = 3 * time.Second

type plain struct {
	mu    sync.Mutex
	out   io.Writer
	steps map[string]*plainStep // those that have not ended
	err   error
}

// plainStep is a step under way.
type plainStep struct {
	spoke time.Time   // when the last line about it was written
	said  string      // what it waits for, as last written
	next  Event       // what it waits for now, if a line about that is due
	due   *time.Timer // writes next; nil if none is due
}

// NewPlain returns a sink that writes lines of plain text, for pipes and logs: one when a step starts, one when it
// ends, and between them what it waits for, if that takes a while, at most every few seconds and not the same twice in
// a row.
//
//	cluster         started
//	cluster         waiting for kube-apiserver: not ready
//	cluster         done in 4.2s
//	repositories    unchanged
func NewPlain(w io.Writer) Sink { return &plain{out: w, steps: map[string]*plainStep{}} }

func (p *plain) Report(e Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.steps == nil {
		return // closed
	}
	step := p.steps[e.Step]
	switch {
	case e.State == Waiting && step != nil:
		p.wait(step, e)
	case e.State == Waiting, e.State == Started:
		p.forget(e.Step)
		p.steps[e.Step] = &plainStep{spoke: time.Now()}
		p.write(e)
	default:
		p.forget(e.Step)
		p.write(e)
	}
}

// wait writes what the step waits for when it is time for that, unless it waits for something else by then.
func (p *plain) wait(step *plainStep, e Event) {
	step.next = e
	if step.due != nil {
		return
	}
	step.due = time.AfterFunc(time.Until(step.spoke.Add(plainEvery)), func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.steps[step.next.Step] != step {
			return // it ended in this very moment
		}
		step.due = nil
		if text := sentence(step.next); text != step.said {
			step.spoke, step.said = time.Now(), text
			p.write(step.next)
		}
	})
}

func (p *plain) forget(name string) {
	if step := p.steps[name]; step != nil && step.due != nil {
		step.due.Stop()
	}
	delete(p.steps, name)
}

func (p *plain) write(e Event) {
	if p.err == nil {
		_, p.err = io.WriteString(p.out, column(e.Step)+sentence(e)+"\n")
	}
}

func (p *plain) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name := range p.steps {
		p.forget(name)
	}
	p.steps = nil
	return p.err
}
