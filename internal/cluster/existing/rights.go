package existing

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Right is what an account has to be allowed, in every namespace.
type Right struct {
	Group    string   // the API group; empty for the core's
	Resource string   // the plural of a kind, and its subresource if that is meant: pods/exec
	Verbs    []string // get, list, watch, create, patch, delete, bind, escalate
}

// all stands for every group, and for every resource of them.
const all = "*"

// rights are what installing, looking after and removing a hub take. All are wanted in every namespace: tenants, Applications
// and pods are looked for in all of them. Nobody knows which kinds Crossplane and Beads will define, and what is of these kinds
// is looked for, and removed with the hub.
func (o Options) rights() []Right {
	rights := []Right{
		{Group: all, Resource: all, Verbs: []string{"get", "list", "watch", "patch", "delete"}},
		// The components are granted more than most people have, which takes bind and escalate.
		{Group: "rbac.authorization.k8s.io", Resource: "clusterroles", Verbs: []string{"create", "bind", "escalate"}},
		{Group: "rbac.authorization.k8s.io", Resource: "roles", Verbs: []string{"create", "bind", "escalate"}},
	}
	for group, resources := range map[string][]string{
		"pkg.crossplane.io":           {"configurations", "functions", "imageconfigs", "providers"},
		"apiextensions.crossplane.io": {"compositeresourcedefinitions", "compositions", "managedresourceactivationpolicies"},
		"policies.kyverno.io": {
			"deletingpolicies", "generatingpolicies", "mutatingpolicies", "policyexceptions", "validatingpolicies",
		},
		"": {
			"configmaps", "namespaces", "persistentvolumeclaims", "pods/portforward", "secrets", "serviceaccounts", "services",
		},
		"apiextensions.k8s.io":      {"customresourcedefinitions"},
		"apps":                      {"deployments", "statefulsets"},
		"batch":                     {"cronjobs", "jobs"},
		"policy":                    {"poddisruptionbudgets"},
		"networking.k8s.io":         {"ingresses", "networkpolicies"},
		"rbac.authorization.k8s.io": {"clusterrolebindings", "rolebindings"},
		"argoproj.io":               {"applications", "applicationsets", "appprojects"},
	} {
		for _, resource := range resources {
			rights = append(rights, Right{Group: group, Resource: resource, Verbs: []string{"create"}})
		}
	}
	if o.Storage {
		// Gitea's accounts are made in its pod. Which verb that takes depends on the version of Kubernetes.
		rights = append(rights, Right{Resource: "pods/exec", Verbs: []string{"get", "create"}})
	}
	return rights
}

// question is one thing that an account is allowed or not.
type question struct{ group, resource, verb string }

// checkRights returns everything that the account is not allowed and installing takes.
func (c *Cluster) checkRights(ctx context.Context, a *apiServer) error {
	var questions []question
	for _, right := range c.options.rights() {
		for _, verb := range right.Verbs {
			questions = append(questions, question{right.Group, right.Resource, verb})
		}
	}
	denied, err := a.denied(ctx, questions)
	if err != nil || len(denied) == 0 {
		return err
	}
	return fmt.Errorf("%s is not allowed what installing a hub takes, in every namespace; want these as well, or the ClusterRole "+
		"cluster-admin:\n  %s", a.account(ctx), strings.Join(describe(denied), "\n  "))
}

// denied asks the API server all questions, and returns those that it answers with no, in their order.
func (a *apiServer) denied(ctx context.Context, questions []question) ([]question, error) {
	no := make([]bool, len(questions))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, q := range questions {
		group.Go(func() error {
			resource, subresource, _ := strings.Cut(q.resource, "/")
			review, err := a.authorization.SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
				Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
					Group: q.group, Resource: resource, Subresource: subresource, Verb: q.verb,
				}},
			}, metav1.CreateOptions{})
			if err != nil {
				return fmt.Errorf("asking the API server what this account is allowed: %w", err)
			}
			no[i] = !review.Status.Allowed
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var denied []question
	for i, q := range questions {
		if no[i] {
			denied = append(denied, q)
		}
	}
	return denied, nil
}

// describe puts what is denied into lines: one for resources with the same verbs.
func describe(denied []question) []string {
	verbs := map[string][]string{}
	for _, q := range denied {
		resource, subresource, sub := strings.Cut(q.resource, "/")
		if q.group != "" {
			resource += "." + q.group
		}
		if sub {
			resource += "/" + subresource
		}
		verbs[resource] = append(verbs[resource], q.verb)
	}
	resources := map[string][]string{}
	for resource, list := range verbs {
		slices.SortFunc(list, func(a, b string) int {
			return cmp.Compare(slices.Index(order(), a), slices.Index(order(), b))
		})
		together := strings.Join(list, ", ")
		resources[together] = append(resources[together], resource)
	}
	var lines []string
	for together, list := range resources {
		slices.Sort(list)
		lines = append(lines, together+": "+strings.Join(list, ", "))
	}
	slices.Sort(lines)
	return lines
}

// order is that of verbs in a message.
func order() []string {
	return []string{"get", "list", "watch", "create", "patch", "delete", "bind", "escalate"}
}
