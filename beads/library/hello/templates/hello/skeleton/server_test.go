package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// get asks the API, and returns the status, the type and the text of the answer.
func get(t *testing.T, target string) (status int, contentType, text string) {
	t.Helper()
	answer := httptest.NewRecorder()
	newHandler("Hi!", slog.New(slog.DiscardHandler)).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, target, nil))
	return answer.Code, answer.Header().Get("Content-Type"), strings.TrimSpace(answer.Body.String())
}

func TestHello(t *testing.T) {
	for _, test := range []struct {
		target string
		status int
		text   string
	}{
		{"/hello", 200, `{"message":"Hi!"}`},
		{"/hello?name=Ada", 200, `{"message":"Hello, Ada!"}`},
		{"/hello?name=J%C3%BCrgen+%22X%22", 200, `{"message":"Hello, Jürgen \"X\"!"}`},
		{"/hello?name=" + strings.Repeat("%C3%BC", 100), 200, `{"message":"Hello, ` + strings.Repeat("ü", 100) + `!"}`},
		{"/hello?name=" + strings.Repeat("x", 101), 400, "the name is too long: want at most 100 characters"},
		{"/healthz", 200, "ok"},
		{"/elsewhere", 404, "404 page not found"},
	} {
		status, _, text := get(t, test.target)
		if status != test.status || text != test.text {
			t.Errorf("GET %s answers %d %s: want %d %s", test.target, status, text, test.status, test.text)
		}
	}
}

func TestOnlyReadingIsAllowed(t *testing.T) {
	answer := httptest.NewRecorder()
	newHandler("Hi!", slog.New(slog.DiscardHandler)).ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/hello", nil))
	if answer.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST /hello answers %d: want 405", answer.Code)
	}
}

// described finds the paths of the OpenAPI document, and what each is answered with.
var described = regexp.MustCompile(`(?m)^  (/[a-z.]+):\n(?:    .*\n)*?      +"200":\n(?:    .*\n)*?            ([a-z]+/[a-z]+):`)

func TestThePathsOfTheDescriptionAnswer(t *testing.T) {
	paths := described.FindAllSubmatch(description, -1)
	if len(paths) != 3 {
		t.Fatalf("the description has %d paths: want 3", len(paths))
	}
	for _, path := range paths {
		status, contentType, _ := get(t, string(path[1]))
		if status != 200 || !strings.HasPrefix(contentType, string(path[2])) {
			t.Errorf("GET %s answers %d with %s: want 200 with %s", path[1], status, contentType, path[2])
		}
	}
}

func TestRequestsAreLoggedAndProbesAreNot(t *testing.T) {
	var log bytes.Buffer
	handler := newHandler("Hi!", slog.New(slog.NewJSONHandler(&log, nil)))
	for _, target := range []string{"/healthz", "/elsewhere"} {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, target, nil))
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, `"path":"/elsewhere","status":404`) {
		t.Errorf("the log is %q: want a line for /elsewhere with status 404, and no other", text)
	}
}

func TestServingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := serve(ctx, "127.0.0.1:0", "Hi!", slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
}

func TestAnAddressThatCannotBeHadIsAnError(t *testing.T) {
	if err := serve(context.Background(), "256.0.0.1:0", "Hi!", slog.New(slog.DiscardHandler)); err == nil {
		t.Error("there is no error")
	}
}
