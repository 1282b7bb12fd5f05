package report

import (
	"encoding/json"
	"io"
	"math"
	"sync"
	"time"
)

// jsonEvent is the form of an event for programs. Its fields are all there in every line; it only grows.
type jsonEvent struct {
	Time    time.Time `json:"time"`    // RFC 3339 in UTC, to the millisecond
	Step    string    `json:"step"`    // the step's name
	State   State     `json:"state"`   // started, waiting, unchanged, done or failed
	Message string    `json:"message"` // for a person; may be empty
	Elapsed float64   `json:"elapsed"` // seconds since the step started, to the millisecond
}

type jsonSink struct {
	mu      sync.Mutex
	encoder *json.Encoder
	err     error
}

// NewJSON returns a sink that writes every event as a JSON object on a line of its own:
//
//	{"time":"2026-11-20T10:00:04.2Z","step":"cluster","state":"done","message":"","elapsed":4.2}
func NewJSON(w io.Writer) Sink {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return &jsonSink{encoder: encoder}
}

func (s *jsonSink) Report(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return
	}
	s.err = s.encoder.Encode(jsonEvent{
		Time:    e.Time.UTC().Truncate(time.Millisecond),
		Step:    e.Step,
		State:   e.State,
		Message: e.Message,
		Elapsed: math.Round(e.Elapsed.Seconds()*1000) / 1000,
	})
}

func (s *jsonSink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
