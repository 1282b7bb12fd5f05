package beadtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/internal/kube"
)

// composes makes a claim and says what does not come of it as expected.
func (s *stage) composes(ctx context.Context, c Composition, waiting func(string)) []string {
	claim := copyOf(c.Claim)
	poll(claim)
	if err := s.place(ctx, claim, &s.claims); err != nil {
		return []string{fmt.Sprintf("%s cannot be made: %v", kube.Describe(claim), err)}
	}
	failures := s.parts(ctx, claim, c.Objects, waiting)
	// A test that has failed and has no time left could find out nothing more; the story says how the claim is.
	if c.Ready != nil && (len(failures) == 0 || ctx.Err() == nil) {
		failures = append(failures, s.become(ctx, claim, "Ready", *c.Ready, waiting)...)
	}
	if len(c.Absent) > 0 && len(failures) == 0 {
		failures = append(failures, s.become(ctx, claim, "Synced", true, waiting)...)
		failures = append(failures, s.absent(ctx, claim, c.Absent)...)
	}
	if len(failures) == 0 {
		return nil
	}
	return []string{strings.Join(append(failures, s.story(ctx, claim)...), "\n")}
}

// pollAnnotation says how often Crossplane looks at a claim by itself: https://docs.crossplane.io/latest/composition/
const pollAnnotation = "crossplane.io/poll-interval"

// poll makes Crossplane look at a claim every second. It watches what it composed, but from a moment after it has
// composed it: what became ready in between it would learn of much later.
func poll(claim *unstructured.Unstructured) {
	annotations := claim.GetAnnotations()
	if annotations == nil {
		annotations = make(map[string]string)
	}
	if annotations[pollAnnotation] == "" {
		annotations[pollAnnotation] = "1s"
	}
	claim.SetAnnotations(annotations)
}

// parts waits until everything is there that a claim is to compose.
func (s *stage) parts(
	ctx context.Context, claim *unstructured.Unstructured, wanted []map[string]any, waiting func(string),
) []string {
	var running sync.WaitGroup
	found := make([]string, len(wanted))
	for i, content := range wanted {
		object := copyOf(content)
		inherit(object, claim)
		running.Go(func() { found[i] = s.part(ctx, object, waiting) })
	}
	running.Wait()
	var failures []string
	for _, failure := range found {
		if failure != "" {
			failures = append(failures, failure)
		}
	}
	return failures
}

// inherit gives an object that names no namespace that of the claim.
func inherit(object, claim *unstructured.Unstructured) {
	if object.GetNamespace() == "" && claim.GetNamespace() != "" {
		object.SetNamespace(claim.GetNamespace())
	}
}

// part waits until an object is there with at least what is wanted of it. It returns what is not so, "" if all is.
func (s *stage) part(ctx context.Context, wanted *unstructured.Unstructured, waiting func(string)) string {
	mapping, err := s.locate(ctx, wanted)
	if err != nil {
		return err.Error()
	}
	var last *unstructured.Unstructured
	err = s.client.Until(ctx, mapping.Resource, wanted.GetNamespace(), func(
		present []*unstructured.Unstructured,
	) (bool, string) {
		last = nil
		for _, live := range present {
			if live.GetName() == wanted.GetName() {
				last = live
			}
		}
		return last != nil && len(differences("", wanted.Object, last.Object)) == 0, kube.Describe(wanted)
	}, waiting)
	switch {
	case err == nil:
		return ""
	case last == nil:
		return fmt.Sprintf("%s is not there (%v)", kube.Describe(wanted), context.Cause(ctx))
	}
	lines := differences("", wanted.Object, last.Object)
	return fmt.Sprintf("%s is not as wanted (%v):\n%s", kube.Describe(wanted), context.Cause(ctx),
		indent(strings.Join(lines, "\n")))
}

// become waits until a condition of an object is as wanted.
func (s *stage) become(
	ctx context.Context, object *unstructured.Unstructured, kind string, wanted bool, waiting func(string),
) []string {
	want := "False"
	if wanted {
		want = "True"
	}
	err := s.awaitAll(ctx, []*unstructured.Unstructured{object}, func(live *unstructured.Unstructured) string {
		if kube.Condition(live, kind) == want {
			return ""
		}
		return fmt.Sprintf("to have %s=%s", kind, want)
	}, waiting)
	if err == nil {
		return nil
	}
	return []string{fmt.Sprintf("%s: condition %s: want %s (%v)", kube.Describe(object), kind, want, context.Cause(ctx))}
}

// absent says what is there that is not to be.
func (s *stage) absent(ctx context.Context, claim *unstructured.Unstructured, unwanted []map[string]any) []string {
	var failures []string
	for _, content := range unwanted {
		object := copyOf(content)
		inherit(object, claim)
		switch live, err := s.find(ctx, object); {
		case err != nil:
			failures = append(failures, err.Error())
		case live != nil:
			failures = append(failures, kube.Describe(object)+" is there, want it absent")
		}
	}
	return failures
}

// storyTimeout bounds reading how a claim is, for which the test itself may have no time left.
const storyTimeout = 5 * time.Second

// story says how a claim and what it composed are, where they are not well.
func (s *stage) story(ctx context.Context, claim *unstructured.Unstructured) []string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storyTimeout)
	defer cancel()
	live, err := s.find(ctx, claim)
	if err != nil || live == nil {
		return []string{kube.Describe(claim) + " cannot be read: " + errors.Join(err, errGone).Error()}
	}
	lines := []string{kube.Describe(claim) + ":"}
	for _, line := range s.state(ctx, live) {
		lines = append(lines, "  "+line)
	}
	return lines
}

// errGone says that an object is not there any more.
var errGone = errors.New("it may be gone")
