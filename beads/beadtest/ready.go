package beadtest

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/internal/kube"
)

// awaitReady waits until all that the Bead brings does its work: kinds are served, functions answer, compositions are
// those of now, permissions are given, policies are followed.
func (s *stage) awaitReady(ctx context.Context, objects []*unstructured.Unstructured, waiting func(string)) error {
	running, ctx := errgroup.WithContext(ctx)
	for _, await := range []func(context.Context, []*unstructured.Unstructured, func(string)) error{
		s.awaitDefinitions, s.awaitFunctions, s.awaitRevisions, s.awaitRoles, s.awaitPolicies,
	} {
		running.Go(func() error { return await(ctx, objects, waiting) })
	}
	return running.Wait()
}

// awaitDefinitions waits until the kinds are served that the objects define.
func (s *stage) awaitDefinitions(ctx context.Context, objects []*unstructured.Unstructured, waiting func(string)) error {
	return s.awaitAll(ctx, which(objects, kindXRD, kindCRD), hasCondition("Established"), waiting)
}

// hasCondition returns what an object lacks to be in a condition; the result is "" if it is.
func hasCondition(kind string) func(*unstructured.Unstructured) string {
	return func(object *unstructured.Unstructured) string {
		if kube.Condition(object, kind) == "True" {
			return ""
		}
		return "to be " + kind + because(object, kind)
	}
}

// awaitAll waits until nothing is lacking of any of the objects.
func (s *stage) awaitAll(
	ctx context.Context, objects []*unstructured.Unstructured, lacking func(*unstructured.Unstructured) string,
	waiting func(string),
) error {
	byKind := make(map[schema.GroupVersionResource][]*unstructured.Unstructured)
	for _, object := range objects {
		mapping, err := s.locate(ctx, object)
		if err != nil {
			return err
		}
		byKind[mapping.Resource] = append(byKind[mapping.Resource], object)
	}
	running, ctx := errgroup.WithContext(ctx)
	for kind, wanted := range byKind {
		running.Go(func() error {
			return s.client.Until(ctx, kind, "", func(present []*unstructured.Unstructured) (bool, string) {
				for _, object := range wanted {
					if what := lackingOf(present, object, lacking); what != "" {
						return false, kube.Describe(object) + " " + what
					}
				}
				return true, ""
			}, waiting)
		})
	}
	return running.Wait()
}

// lackingOf says what is lacking of an object among those that are there.
func lackingOf(
	present []*unstructured.Unstructured, object *unstructured.Unstructured, lacking func(*unstructured.Unstructured) string,
) string {
	for _, live := range present {
		if same(live, object) {
			return lacking(live)
		}
	}
	return "to be there"
}

var (
	functions = schema.GroupVersionResource{Group: "pkg.crossplane.io", Version: "v1", Resource: "functions"}
	revisions = schema.GroupVersionResource{
		Group: "apiextensions.crossplane.io", Version: "v1", Resource: "compositionrevisions",
	}
	clusterRoles = schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"}
)

// awaitFunctions waits until Crossplane can call the functions that compositions use.
func (s *stage) awaitFunctions(ctx context.Context, objects []*unstructured.Unstructured, waiting func(string)) error {
	var names []string
	for _, composition := range which(objects, kindComposition) {
		pipeline, _, _ := unstructured.NestedSlice(composition.Object, "spec", "pipeline")
		for _, item := range pipeline {
			step, _ := item.(map[string]any)
			if name, _, _ := unstructured.NestedString(step, "functionRef", "name"); name != "" {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	return s.client.Until(ctx, functions, "", func(present []*unstructured.Unstructured) (bool, string) {
		for _, name := range names {
			at := slices.IndexFunc(present, func(f *unstructured.Unstructured) bool { return f.GetName() == name })
			if at < 0 {
				return false, fmt.Sprintf("Function %s, which a Composition uses, to be there", name)
			}
			if what := hasCondition("Healthy")(present[at]); what != "" {
				return false, fmt.Sprintf("Function %s %s", name, what)
			}
		}
		return true, ""
	}, waiting)
}

// awaitRevisions waits until Crossplane composes by the compositions as they are now. It does so by their newest
// revisions.
func (s *stage) awaitRevisions(ctx context.Context, objects []*unstructured.Unstructured, waiting func(string)) error {
	wanted := which(objects, kindComposition)
	if len(wanted) == 0 {
		return nil
	}
	return s.client.Until(ctx, revisions, "", func(present []*unstructured.Unstructured) (bool, string) {
		for _, composition := range wanted {
			newest := newestRevision(present, composition.GetName())
			if newest == nil || len(differences("", composition.Object["spec"], newest.Object["spec"])) > 0 {
				return false, kube.Describe(composition) + " to have a revision"
			}
		}
		return true, ""
	}, waiting)
}

func newestRevision(present []*unstructured.Unstructured, composition string) *unstructured.Unstructured {
	var newest *unstructured.Unstructured
	highest := int64(-1)
	for _, revision := range present {
		number, _, _ := unstructured.NestedInt64(revision.Object, "spec", "revision")
		if revision.GetLabels()["crossplane.io/composition-name"] == composition && number > highest {
			newest, highest = revision, number
		}
	}
	return newest
}

// awaitRoles waits until the roles that are sums of others have what the Bead's roles add to them.
func (s *stage) awaitRoles(ctx context.Context, objects []*unstructured.Unstructured, waiting func(string)) error {
	wanted := which(objects, "ClusterRole")
	if len(wanted) == 0 {
		return nil
	}
	return s.client.Until(ctx, clusterRoles, "", func(present []*unstructured.Unstructured) (bool, string) {
		for _, sum := range present {
			for _, part := range wanted {
				if adds(sum, part) && !hasRules(sum, part) {
					return false, fmt.Sprintf("ClusterRole %s to have the rules of %s", sum.GetName(), part.GetName())
				}
			}
		}
		return true, ""
	}, waiting)
}

// adds says whether a role is a sum that another is a part of.
func adds(sum, part *unstructured.Unstructured) bool {
	selectors, _, _ := unstructured.NestedSlice(sum.Object, "aggregationRule", "clusterRoleSelectors")
	return slices.ContainsFunc(selectors, func(item any) bool {
		content, _ := item.(map[string]any)
		wanted, _, _ := unstructured.NestedStringMap(content, "matchLabels")
		selector, err := metav1.LabelSelectorAsSelector(&metav1.LabelSelector{MatchLabels: wanted})
		return err == nil && len(wanted) > 0 && selector.Matches(labels.Set(part.GetLabels()))
	})
}

func hasRules(sum, part *unstructured.Unstructured) bool {
	have, _, _ := unstructured.NestedSlice(sum.Object, "rules")
	want, _, _ := unstructured.NestedSlice(part.Object, "rules")
	return !slices.ContainsFunc(want, func(rule any) bool {
		return !slices.ContainsFunc(have, func(other any) bool { return reflect.DeepEqual(rule, other) })
	})
}

// awaitPolicies waits until Kyverno follows the policies.
func (s *stage) awaitPolicies(ctx context.Context, objects []*unstructured.Unstructured, waiting func(string)) error {
	policies := filter(objects, isPolicy)
	if len(policies) == 0 {
		return nil
	}
	err := s.awaitAll(ctx, policies, func(policy *unstructured.Unstructured) string {
		if ready, _, _ := unstructured.NestedBool(policy.Object, "status", "conditionStatus", "ready"); ready {
			return ""
		}
		return "to be taken up by Kyverno" + unmet(policy, "status", "conditionStatus", "conditions")
	}, waiting)
	if err != nil {
		return err
	}
	return s.awaitCanary(ctx, objects)
}
