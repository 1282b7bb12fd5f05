package beadtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/internal/kube"
)

// settling is how long the API server and Kyverno may take to follow what is new: a role that a test has just given, or
// a kind that a policy looks up.
const settling = 5 * time.Second

// admits says why an object is not let in; "" if it is.
func (s *stage) admits(ctx context.Context, a Admission) string {
	object := copyOf(a.Object)
	err := s.ask(ctx, object, a.As, func(err error) bool { return err == nil })
	if err == nil {
		return ""
	}
	return fmt.Sprintf("%s is refused to %s, want it let in: %s%s", kube.Describe(object), a.As, oneLine(err.Error()),
		hint(err, a.As))
}

// refuses says how an object is let in, or refused for another reason than is wanted; "" if it is refused as it is to
// be.
func (s *stage) refuses(ctx context.Context, r Refusal, g *group) string {
	object := copyOf(r.Object)
	refused := func(err error) bool { return err != nil && strings.Contains(err.Error(), r.Message) }
	err := s.ask(ctx, object, r.As, refused)
	switch {
	case refused(err):
		return ""
	case err == nil:
		return fmt.Sprintf("%s is let in for %s, want a refusal with %q%s", kube.Describe(object), r.As, r.Message,
			auditing(g.objects()))
	}
	return fmt.Sprintf("%s is refused to %s, but not with %q: %s%s", kube.Describe(object), r.As, r.Message,
		oneLine(err.Error()), hint(err, r.As))
}

// ask asks the API server, on behalf of a user, whether it would take an object, until the answer is as expected or
// there was time enough for it to be so. It returns the last answer.
func (s *stage) ask(ctx context.Context, object *unstructured.Unstructured, as *User, expected func(error) bool) error {
	client, err := s.as(as)
	if err != nil {
		return err
	}
	mapping, err := s.locate(ctx, object)
	if err != nil {
		return err
	}
	settled, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	for {
		live, err := s.find(ctx, object)
		if err != nil {
			return err
		}
		dryRun := []string{metav1.DryRunAll}
		if at := resource(client, mapping, object); live == nil {
			_, err = at.Create(ctx, object, metav1.CreateOptions{DryRun: dryRun})
		} else {
			changed := object.DeepCopy()
			changed.SetResourceVersion(live.GetResourceVersion())
			_, err = at.Update(ctx, changed, metav1.UpdateOptions{DryRun: dryRun})
		}
		if expected(err) || pause(settled) != nil {
			return err
		}
	}
}

// hint says what to do about a refusal that no policy has part in.
func hint(err error, as *User) string {
	switch {
	case as != nil && apierrors.IsForbidden(err) && strings.Contains(err.Error(), "User \""):
		return fmt.Sprintf("\n  No role lets %s do this, so no policy was asked: give them one in given, or the group "+
			"system:masters in as", as.User)
	case apierrors.IsNotFound(err) && strings.Contains(err.Error(), "namespaces"):
		return "\n  The namespace is not there: make it in given"
	}
	return ""
}

// auditing names the policies that only report: they refuse nothing.
func auditing(objects []*unstructured.Unstructured) string {
	var names []string
	for _, object := range objects {
		actions, given, _ := unstructured.NestedStringSlice(object.Object, "spec", "validationActions")
		validating := isPolicy(object) && strings.HasSuffix(object.GetKind(), "ValidatingPolicy")
		if validating && given && !slices.Contains(actions, "Deny") {
			names = append(names, fmt.Sprintf("%s (%s)", object.GetName(), strings.Join(actions, ", ")))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("\n  These policies only report, whatever is asked: %s. Want Deny among their validationActions",
		strings.Join(names, ", "))
}
