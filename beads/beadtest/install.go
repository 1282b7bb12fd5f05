package beadtest

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/internal/report"
)

// install brings the Bead to the hub with the group's values, in place of what is there of it with others, and waits
// until it can be used.
func (s *stage) install(ctx context.Context, g *group, to report.Reporter) error {
	step := report.Start(to, "bead", s.options.Folder.String())
	ctx, cancel := context.WithTimeoutCause(ctx, s.options.Timeout, fmt.Errorf("not so after %s", s.options.Timeout))
	defer cancel()
	if err := s.tidy(ctx); err != nil {
		step.Fail(err)
		return err
	}
	err := s.enact(ctx, g, to)
	if err == nil {
		err = s.awaitReady(ctx, g.objects(), step.Wait)
	}
	if err != nil {
		step.Fail(err)
		return fmt.Errorf("bringing Bead %s to the hub: %w", s.options.Folder.Metadata.Name, err)
	}
	step.Done(fmt.Sprintf("%s: %d objects", s.options.Folder, len(g.objects())))
	return nil
}

// enact brings the Bead to the hub in the way that suits the hub.
func (s *stage) enact(ctx context.Context, g *group, to report.Reporter) error {
	switch {
	case s.installed:
		return nil
	case s.delivered:
		_, err := s.options.Deliver(ctx, s.access, g.values, false, to)
		return err
	}
	return s.apply(ctx, g.objects())
}

// apply makes the Bead's objects those of the hub, and takes away those of it that are no longer among them.
func (s *stage) apply(ctx context.Context, objects []*unstructured.Unstructured) error {
	obsolete := slices.DeleteFunc(slices.Clone(s.brought), func(old *unstructured.Unstructured) bool {
		return slices.ContainsFunc(objects, func(object *unstructured.Unstructured) bool { return same(old, object) })
	})
	if err := s.withdraw(ctx, obsolete); err != nil {
		return err
	}
	s.brought = nil
	defined := definedKinds(objects)
	var namespaces, known, own []*unstructured.Unstructured
	for _, object := range objects {
		switch kind := object.GroupVersionKind().GroupKind(); {
		case defined[kind]:
			own = append(own, object)
		case kind.Group == "" && kind.Kind == "Namespace":
			namespaces = append(namespaces, object)
		default:
			known = append(known, object)
		}
	}
	bring := func(object *unstructured.Unstructured) error { return s.bring(ctx, object) }
	if err := each(namespaces, bring); err != nil {
		return err
	}
	if err := each(known, bring); err != nil {
		return err
	}
	if len(own) == 0 {
		return nil
	}
	if err := s.awaitDefinitions(ctx, objects, nil); err != nil {
		return err
	}
	return each(own, bring)
}

// same says whether two objects are the same one, as it is and as it was.
func same(a, b *unstructured.Unstructured) bool {
	return a.GroupVersionKind().GroupKind() == b.GroupVersionKind().GroupKind() &&
		a.GetNamespace() == b.GetNamespace() && a.GetName() == b.GetName()
}
