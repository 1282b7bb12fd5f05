package beadtest

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// test does on the hub what a test says, and returns what was not as expected.
func (s *stage) test(ctx context.Context, g *group, t Test, waiting func(string)) []string {
	if err := s.awaitFaded(ctx, t); err != nil {
		return []string{err.Error()}
	}
	for _, content := range t.Spec.Given {
		object := copyOf(content)
		if err := s.place(ctx, object, &s.given); err != nil {
			return []string{fmt.Sprintf("what is given cannot be made: %v", err)}
		}
	}
	failures := s.decisions(ctx, g, t)
	for _, composition := range t.Spec.Composes {
		failures = append(failures, s.composes(ctx, composition, waiting)...)
	}
	return failures
}

// decisions asks for everything that is to be let in or refused. None of it is done, so that nothing has to wait for
// another.
func (s *stage) decisions(ctx context.Context, g *group, t Test) []string {
	answers := make([]string, len(t.Spec.Admits)+len(t.Spec.Refuses))
	var asking errgroup.Group
	asking.SetLimit(parallel)
	for i, admission := range t.Spec.Admits {
		asking.Go(func() error {
			answers[i] = s.admits(ctx, admission)
			return nil
		})
	}
	for i, refusal := range t.Spec.Refuses {
		asking.Go(func() error {
			answers[len(t.Spec.Admits)+i] = s.refuses(ctx, refusal, g)
			return nil
		})
	}
	_ = asking.Wait() // failures are answers
	return slices.DeleteFunc(answers, func(answer string) bool { return answer == "" })
}

// copyOf makes an object of what a test says, so that the test stays as it was written.
func copyOf(content map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: runtime.DeepCopyJSON(content)}
}
