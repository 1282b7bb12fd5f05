// Package report says how long work goes on while it goes on. Domain packages send Events to a Reporter; what a person
// or a program sees of them is the sink's choice: a live display on a terminal, plain lines in a pipe, or one JSON
// object per line.
package report

import "time"

// State says where a step stands.
type State string

// The states of a step, in the order in which a step goes through them. Waiting may come any number of times.
const (
	Started   State = "started"   // the step's work has begun
	Waiting   State = "waiting"   // the step goes on; Message is a phrase, for example "waiting for etcd"
	Unchanged State = "unchanged" // the step ended: it was already true, nothing was done
	Done      State = "done"      // the step ended: it was made true
	Failed    State = "failed"    // the step ended: Message says why not
)

// Event is one thing that happened to one step.
type Event struct {
	Time    time.Time     // when it happened
	Step    string        // the step's name, for example "cluster"
	State   State         // what became of it
	Message string        // one line for a person; may be empty
	Elapsed time.Duration // since the step started
}

// Reporter takes events. It must be safe for use by several goroutines, and must not block for long.
type Reporter interface {
	Report(Event)
}

// Func makes a function a Reporter.
type Func func(Event)

// Report calls f.
func (f Func) Report(e Event) { f(e) }

// Discard takes events and shows none.
var Discard Reporter = Func(func(Event) {})

// Step tells a Reporter of one step from its start to its end. Make one with Start; end it once with Done, Unchanged or
// Fail.
type Step struct {
	to      Reporter
	name    string
	started time.Time
}

// Start reports that the step called name has begun.
func Start(to Reporter, name, message string) *Step {
	s := &Step{to: to, name: name, started: time.Now()}
	s.send(Started, message)
	return s
}

// Wait reports what the step waits for or does now, as a phrase.
func (s *Step) Wait(message string) { s.send(Waiting, message) }

// Done reports that the step's work is done.
func (s *Step) Done(message string) { s.send(Done, message) }

// Unchanged reports that there was nothing to do.
func (s *Step) Unchanged(message string) { s.send(Unchanged, message) }

// Fail reports that the step ended without what it was for.
func (s *Step) Fail(err error) { s.send(Failed, err.Error()) }

func (s *Step) send(state State, message string) {
	now := time.Now()
	s.to.Report(Event{Time: now, Step: s.name, State: state, Message: message, Elapsed: now.Sub(s.started)})
}
