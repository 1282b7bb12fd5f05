package supervisor

import (
	"fmt"
	"time"
)

// State says where a process stands.
type State string

// The states of a process.
const (
	Waiting  State = "waiting"  // for the processes named in After
	Starting State = "starting" // it runs, and its probe has not succeeded yet
	Ready    State = "ready"    // it runs, and its probe has succeeded
	Backoff  State = "backoff"  // it ended by itself, and is started again after a pause
	Done     State = "done"     // it is a oneshot that succeeded
	Failed   State = "failed"   // it cannot be started, for example because its executable is not there
	Stopped  State = "stopped"  // it was stopped and is not started again
)

// Status is what is known of one process.
type Status struct {
	Name         string    `json:"name"`
	State        State     `json:"state"`
	PID          int       `json:"pid,omitempty"` // 0 when it does not run
	Since        time.Time `json:"since"`         // when it came into its state
	Restarts     int       `json:"restarts"`      // how often it was started again because it had ended by itself
	LastExit     string    `json:"lastExit,omitempty"`
	LastExitTime time.Time `json:"lastExitTime,omitzero"`
	// Waiting says for what: the processes that are not ready, or what the probe was last answered.
	Waiting string `json:"waiting,omitempty"`
	Log     string `json:"log"`           // the path of its newest log file
	RSS     int64  `json:"rss,omitempty"` // resident memory in bytes; only in what Status returns
}

// Satisfied tells whether processes that come after this one may be started.
func (s Status) Satisfied() bool { return s.State == Ready || s.State == Done }

// Reason says in a few words, for a person, why the process is not ready, for example "not ready (2 restarts)"; or that
// it is.
func (s Status) Reason() string {
	reason := string(s.State)
	switch s.State {
	case Waiting:
		reason = "waits for " + s.Waiting
		if s.Waiting == "" {
			reason = "about to start"
		}
	case Starting:
		reason = "not ready"
	case Backoff:
		reason = "ended with " + s.LastExit
	case Failed:
		reason = "cannot be started: " + s.LastExit
	}
	switch s.Restarts {
	case 0:
		return reason
	case 1:
		return reason + " (1 restart)"
	default:
		return fmt.Sprintf("%s (%d restarts)", reason, s.Restarts)
	}
}

// details is Reason with all that helps to find out more.
func (s Status) details() string {
	details := s.Name + ": " + s.Reason()
	if s.State == Starting && s.Waiting != "" {
		details += ", last answer: " + s.Waiting
	}
	if s.State == Starting && s.LastExit != "" {
		details += ", last ended with " + s.LastExit
	}
	return details + ", log: " + s.Log
}
