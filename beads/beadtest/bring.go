package beadtest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/internal/kube"
)

// parallel is how many requests run at once.
const parallel = 8

// each does something with every object, several at once, and returns all faults together.
func each(objects []*unstructured.Unstructured, do func(*unstructured.Unstructured) error) error {
	var running errgroup.Group
	running.SetLimit(parallel)
	faults := make([]error, len(objects))
	for i, object := range objects {
		running.Go(func() error {
			faults[i] = do(object)
			return nil
		})
	}
	_ = running.Wait()
	return errors.Join(faults...)
}

// foreignError says that an object is there and was not brought by a test, so that it is neither changed nor removed.
type foreignError struct{ object *unstructured.Unstructured }

func (e *foreignError) Error() string {
	return fmt.Sprintf("%s is on the hub already, and not from a test: want another name, or a hub of its own, without "+
		"--hub", kube.Describe(e.object))
}

// bring makes an object of the Bead what it says. What an earlier test left of it is taken over; what is somebody
// else's is not touched.
func (s *stage) bring(ctx context.Context, object *unstructured.Unstructured) error {
	mapping, err := s.locate(ctx, object)
	if err != nil {
		return err
	}
	at := resource(s.client.Dynamic(), mapping, object)
	present, err := at.Get(ctx, object.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
	case err != nil:
		return fmt.Errorf("looking for %s: %w", kube.Describe(object), err)
	case !ours(present):
		return &foreignError{object}
	case present.GetDeletionTimestamp() != nil:
		if err := s.awaitGone(ctx, object); err != nil {
			return err
		}
	}
	s.mu.Lock()
	s.brought = append(s.brought, object)
	s.mu.Unlock()
	options := metav1.ApplyOptions{FieldManager: manager, Force: true}
	if _, err := at.Apply(ctx, object.GetName(), object, options); err != nil {
		return fmt.Errorf("applying %s: %w", kube.Describe(object), err)
	}
	return nil
}

// place makes an object that a test needs, and notes it in list. What an earlier run left of it is removed first, for
// it may have changed since.
func (s *stage) place(ctx context.Context, object *unstructured.Unstructured, list *[]*unstructured.Unstructured) error {
	mapping, err := s.locate(ctx, object)
	if err != nil {
		return err
	}
	at := resource(s.client.Dynamic(), mapping, object)
	present, err := at.Get(ctx, object.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
	case err != nil:
		return fmt.Errorf("looking for %s: %w", kube.Describe(object), err)
	case !ours(present):
		return &foreignError{object}
	case s.placed(object): // what is given may be a claim as well
	default:
		if err := errors.Join(s.dismantle(ctx, object), s.awaitGone(ctx, object)); err != nil {
			return err
		}
	}
	s.mu.Lock()
	*list = append(*list, object)
	s.mu.Unlock()
	if _, err := at.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: manager}); err != nil {
		return fmt.Errorf("applying %s: %w", kube.Describe(object), err)
	}
	return nil
}

// placed says whether an object is there because of a test of this run.
func (s *stage) placed(object *unstructured.Unstructured) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	is := func(other *unstructured.Unstructured) bool { return same(other, object) }
	return slices.ContainsFunc(s.given, is) || slices.ContainsFunc(s.claims, is)
}
