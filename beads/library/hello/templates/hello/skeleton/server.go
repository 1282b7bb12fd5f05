package main

import (
	_ "embed"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"time"
	"unicode/utf8"
)

// description is the API in the notation of https://spec.openapis.org.
//
//go:embed openapi.yaml
var description []byte

// maxName is how many characters a name may have.
const maxName = 100

// newHandler returns what answers requests; text is the answer to who gives no name.
func newHandler(text string, logger *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, r *http.Request) { hello(w, r, text) })
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	mux.HandleFunc("GET /openapi.yaml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(description)
	})
	return logged(mux, logger)
}

// greeting is what is answered.
type greeting struct {
	Message string `json:"message"`
}

func hello(w http.ResponseWriter, r *http.Request, text string) {
	name := r.URL.Query().Get("name")
	if utf8.RuneCountInString(name) > maxName {
		http.Error(w, "the name is too long: want at most 100 characters", http.StatusBadRequest)
		return
	}
	if name != "" {
		text = "Hello, " + name + "!"
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(greeting{Message: text}) // it fails only if nobody listens any more
}

// logged logs every request but those that ask for the program's health.
func logged(next http.Handler, logger *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			next.ServeHTTP(w, r)
			return
		}
		started := time.Now()
		recorder := &recorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(recorder, r)
		logger.Info("request", "method", r.Method, "path", r.URL.Path, "status", recorder.status, "duration", time.Since(started))
	})
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader remembers the status.
func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}
