package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

// The supervisor's requests, with JSON bodies. They are between a Client and a supervisor that may come from another
// version of the same program: shapes only grow.
//
//	GET  /v1/ping                      204, if it takes requests
//	GET  /v1/status                    a list of Status
//	GET  /v1/watch                     such a list per line, one per change
//	PUT  /v1/processes                 a list of Process, to be applied
//	POST /v1/processes/NAME/restart
//	POST /v1/stop?grace=DURATION       answered with stopping; the answer ends when the supervisor has ended
//	POST /v1/kill                      likewise
//
// A refused request is answered with a failure: 422 if it can never be granted, 503 if the supervisor is stopping.
func (s *Supervisor) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/ping", func(w http.ResponseWriter, _ *http.Request) {
		if s.running.Err() != nil {
			replyOutcome(w, ErrStopping)
			return
		}
		replyOutcome(w, nil)
	})
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.Status()) })
	mux.HandleFunc("GET /v1/watch", s.serveWatch)
	mux.HandleFunc("PUT /v1/processes", s.serveApply)
	mux.HandleFunc("POST /v1/processes/{name}/restart", func(w http.ResponseWriter, r *http.Request) {
		replyOutcome(w, s.Restart(r.PathValue("name")))
	})
	mux.HandleFunc("POST /v1/stop", func(w http.ResponseWriter, r *http.Request) {
		grace, err := time.ParseDuration(r.FormValue("grace"))
		if err != nil {
			replyOutcome(w, invalidError{fmt.Errorf("stopping the supervisor: %w", err)})
			return
		}
		replyUntilEnd(w, r, func() { s.stopWithin(grace) })
	})
	mux.HandleFunc("POST /v1/kill", func(w http.ResponseWriter, r *http.Request) { replyUntilEnd(w, r, s.kill) })
	return mux
}

type failure struct {
	Error string `json:"error"`
}

type stopping struct {
	PID int `json:"pid"` // of the supervisor
}

func (s *Supervisor) serveWatch(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	encoder := json.NewEncoder(w)
	for list := range s.Watch(r.Context()) {
		if encoder.Encode(list) != nil || control.Flush() != nil {
			return
		}
	}
}

func (s *Supervisor) serveApply(w http.ResponseWriter, r *http.Request) {
	var list []Process
	if err := json.NewDecoder(r.Body).Decode(&list); err != nil {
		replyOutcome(w, invalidError{fmt.Errorf("reading a list of processes: %w", err)})
		return
	}
	// Once begun it is not broken off if the client goes away: the list is stored by then.
	replyOutcome(w, s.Apply(list))
}

// replyUntilEnd answers at once, does what ends the supervisor, and keeps the answer open until it has ended.
func replyUntilEnd(w http.ResponseWriter, r *http.Request, end func()) {
	reply(w, stopping{PID: os.Getpid()})
	_ = http.NewResponseController(w).Flush()
	end()
	<-r.Context().Done()
}

func replyOutcome(w http.ResponseWriter, err error) {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	status := http.StatusInternalServerError
	if _, invalid := errors.AsType[invalidError](err); invalid {
		status = http.StatusUnprocessableEntity
	} else if errors.Is(err, ErrStopping) {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(failure{err.Error()})
}

func reply(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // if the client has gone away, nobody is left to be told
}
