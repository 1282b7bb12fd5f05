package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// unadmittedError says that the API server did not take an object because an admission webhook did not answer.
type unadmittedError struct {
	object *unstructured.Unstructured
	err    error
}

func (e *unadmittedError) Error() string { return e.err.Error() }
func (e *unadmittedError) Unwrap() error { return e.err }

// ErrUnadmitted says that an admission webhook did not come to answer.
var ErrUnadmitted = errors.New("waiting for an admission webhook")

// webhookFailure is how the API server says that it could not call a webhook, in an error with the reason InternalError:
// https://github.com/kubernetes/apiserver/blob/v0.34.4/pkg/util/webhook/error.go.
const webhookFailure = "failed calling webhook"

// admission marks the fault of applying an object if an admission webhook that did not answer is behind it.
func admission(object *unstructured.Unstructured, err error) error {
	if apierrors.IsInternalError(err) && strings.Contains(err.Error(), webhookFailure) {
		return &unadmittedError{object, err}
	}
	return err
}

// Unadmitted returns the objects that Apply, whose error it takes, could not apply because an admission webhook did not
// answer; nil if something else is wrong with any object.
func Unadmitted(err error) []*unstructured.Unstructured {
	faults := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		faults = joined.Unwrap()
	}
	var objects []*unstructured.Unstructured
	for _, fault := range faults {
		unadmitted := new(unadmittedError)
		if !errors.As(fault, &unadmitted) {
			return nil
		}
		objects = append(objects, unadmitted.object)
	}
	return objects
}

// How long, and with what pauses, objects are applied again whose admission webhook does not answer. What serves it may be
// said to be ready some seconds before the API server reaches it.
const (
	admissionPatience = 2 * time.Minute
	admissionPause    = 500 * time.Millisecond
)

// ApplyAdmitted is Apply for when a webhook that is to admit the objects may not answer yet: those are tried again until it
// does, for two minutes. waiting, if not nil, is told what is waited for when that changes.
func (c *Client) ApplyAdmitted(ctx context.Context, manager string, waiting func(string), objects ...*unstructured.Unstructured) error {
	ctx, cancel := context.WithTimeoutCause(ctx, admissionPatience, fmt.Errorf("no answer in %s", admissionPatience))
	defer cancel()
	said := ""
	var last error
	for {
		err := c.Apply(ctx, manager, objects...)
		if err != nil && ctx.Err() != nil && last != nil {
			err = last // what is said of requests whose time is over says less
		}
		refused := Unadmitted(err)
		if len(refused) == 0 {
			return err
		}
		last = err
		objects = refused
		names := make([]string, len(objects))
		for n, object := range objects {
			names[n] = Describe(object)
		}
		slices.Sort(names)
		if what := "the webhook that is to admit " + strings.Join(names, ", "); what != said && waiting != nil {
			said = what
			waiting(what)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w\n%w", ErrUnadmitted, context.Cause(ctx), err)
		case <-time.After(admissionPause):
		}
	}
}
