package argocd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/watch"
)

// lookAgain is how long Applications are watched before they are listed again. Argo CD's watch cannot be joined at the
// version that was listed, and leaves changes out when they come too fast: without looking again, the last of them
// could be waited for forever.
const lookAgain = 10 * time.Second

// Until watches the Applications until satisfied says so. After each change satisfied gets all that the account may see, by
// namespace and name, and returns whether to stop, and what it waits for; waiting, if not nil, is told the latter when it
// changes. An Argo CD that does not answer is asked again, one that refuses the account is not. An error names what was
// waited for last.
func (c *Client) Until(
	ctx context.Context, satisfied func([]*unstructured.Unstructured) (bool, string), waiting func(string),
) error {
	last := ""
	changed := func(objects []*unstructured.Unstructured) bool {
		ok, what := satisfied(objects)
		if !ok && what != last {
			last = what
			if waiting != nil {
				waiting(what)
			}
		}
		return ok
	}
	var fault error // what kept the last attempt from an answer
	for {
		done, err := c.watch(ctx, changed)
		if err == nil || ctx.Err() == nil {
			fault = err
		}
		what, refused := cmp.Or(last, "Applications"), new(loginError)
		switch {
		case done:
			return nil
		case ctx.Err() != nil && fault != nil:
			return fmt.Errorf("waiting for %s: %w; Argo CD did not answer last: %w", what, context.Cause(ctx), fault)
		case ctx.Err() != nil:
			return fmt.Errorf("waiting for %s: %w", what, context.Cause(ctx))
		case errors.As(err, &refused):
			return fmt.Errorf("waiting for %s: %w", what, err)
		case err != nil:
			// Argo CD restarts, or the way to it does: look again from the start.
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
}

// watch lists the Applications and then watches them until changed, which gets all of them at first and after each
// change, returns true, or until it is time to look again.
func (c *Client) watch(ctx context.Context, changed func([]*unstructured.Unstructured) bool) (bool, error) {
	objects, err := c.list(ctx)
	if err != nil {
		return false, err
	}
	if changed(sorted(objects)) {
		return true, nil
	}
	watching, cancel := context.WithTimeout(ctx, lookAgain)
	defer cancel()
	stream, err := c.get(watching, "stream/applications")
	if err != nil {
		return false, ignoreEnd(watching, err)
	}
	defer func() { _ = stream.Close() }()
	events := json.NewDecoder(stream)
	for {
		kind, app, err := next(events)
		if err != nil {
			return false, ignoreEnd(watching, err)
		}
		if kind == watch.Deleted {
			delete(objects, key(app))
		} else {
			objects[key(app)] = app
		}
		if changed(sorted(objects)) {
			return true, nil
		}
	}
}

// ignoreEnd forgets an error that comes from the end of the context.
func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// list reads all Applications.
func (c *Client) list(ctx context.Context) (map[string]*unstructured.Unstructured, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer, err := c.get(ctx, "applications")
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Close() }()
	var list struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.NewDecoder(answer).Decode(&list); err != nil {
		return nil, fmt.Errorf("reading what it answers: %w", err)
	}
	objects := map[string]*unstructured.Unstructured{}
	for _, item := range list.Items {
		app, err := read(item)
		if err != nil {
			return nil, err
		}
		objects[key(app)] = app
	}
	return objects, nil
}

// next reads an event of the watch: its type and the Application.
func next(events *json.Decoder) (watch.EventType, *unstructured.Unstructured, error) {
	var event struct {
		Result struct {
			Type        watch.EventType `json:"type"`
			Application json.RawMessage `json:"application"`
		} `json:"result"`
		Error *struct {
			Status  int    `json:"http_code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	switch err := events.Decode(&event); {
	case errors.Is(err, io.EOF):
		return "", nil, errors.New("it ended the watch")
	case err != nil:
		return "", nil, err
	case event.Error != nil:
		return "", nil, &answerError{status: event.Error.Status, message: event.Error.Message}
	}
	app, err := read(event.Result.Application)
	return event.Result.Type, app, err
}

// read reads an Application. Argo CD leaves out what kind of object it is.
func read(data []byte) (*unstructured.Unstructured, error) {
	app := &unstructured.Unstructured{}
	// As for objects of Kubernetes, numbers without a fraction become int64.
	if err := utiljson.Unmarshal(data, &app.Object); err != nil {
		return nil, fmt.Errorf("reading an Application: %w", err)
	}
	if app.GetName() == "" {
		return nil, fmt.Errorf("reading an Application: it has no name: want the API of an Argo CD")
	}
	app.SetGroupVersionKind(schema.GroupVersionKind{
		Group: application.Group, Version: "v1alpha1", Kind: application.ApplicationKind,
	})
	return app, nil
}

func key(app *unstructured.Unstructured) string { return app.GetNamespace() + "/" + app.GetName() }

func sorted(objects map[string]*unstructured.Unstructured) []*unstructured.Unstructured {
	all := make([]*unstructured.Unstructured, 0, len(objects))
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		all = append(all, objects[name])
	}
	return all
}
