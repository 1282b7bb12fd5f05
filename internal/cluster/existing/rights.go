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
	Resource string   // the plural of a kind, and its subresource if that is meant: pods/log
	Verbs    []string // get, list, watch, create, patch, update, delete, bind, escalate
}

// Verbs that go together.
var (
	look   = []string{"get", "list", "watch"}
	sweep  = []string{"list", "watch", "delete"}
	manage = []string{"get", "list", "watch", "create", "patch", "delete"}
)

// rights are what installing, looking after and removing a hub take. All are wanted in every namespace: tenants, Applications
// and pods are looked for in all of them.
func (o Options) rights() []Right {
	rights := []Right{
		{Resource: "namespaces", Verbs: manage},
		{Resource: "persistentvolumes", Verbs: []string{"list"}},
		{Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions", Verbs: manage},
		// The components are granted more than most people have, which takes bind and escalate.
		{Group: "rbac.authorization.k8s.io", Resource: "clusterroles", Verbs: with(manage, "bind", "escalate")},
		{Group: "rbac.authorization.k8s.io", Resource: "clusterrolebindings", Verbs: manage},
		// The components make these themselves; removing a hub removes them.
		{Group: "admissionregistration.k8s.io", Resource: "validatingwebhookconfigurations", Verbs: sweep},
		{Group: "admissionregistration.k8s.io", Resource: "mutatingwebhookconfigurations", Verbs: sweep},
		{Group: "apiregistration.k8s.io", Resource: "apiservices", Verbs: sweep},
		{Resource: "pods", Verbs: with(look, "delete")},
		{Resource: "pods/log", Verbs: []string{"get"}},
		{Resource: "pods/portforward", Verbs: []string{"create"}},
		{Resource: "events", Verbs: []string{"list"}},
		{Group: "apps", Resource: "daemonsets", Verbs: []string{"list"}},
		{Group: "apps", Resource: "replicasets", Verbs: []string{"list"}},
		{Group: "rbac.authorization.k8s.io", Resource: "roles", Verbs: with(manage, "bind", "escalate")},
		{Group: "policies.kyverno.io", Resource: "policyexceptions", Verbs: manage},
	}
	for group, resources := range map[string][]string{
		"pkg.crossplane.io":           {"configurations", "functions", "imageconfigs", "providers"},
		"apiextensions.crossplane.io": {"compositeresourcedefinitions", "compositions", "managedresourceactivationpolicies"},
		"policies.kyverno.io":         {"deletingpolicies", "generatingpolicies", "mutatingpolicies", "validatingpolicies"},
		"":                            {"configmaps", "persistentvolumeclaims", "secrets", "serviceaccounts", "services"},
		"apps":                        {"deployments", "statefulsets"},
		"batch":                       {"cronjobs", "jobs"},
		"policy":                      {"poddisruptionbudgets"},
		"networking.k8s.io":           {"ingresses", "networkpolicies"},
		"rbac.authorization.k8s.io":   {"rolebindings"},
		"argoproj.io":                 {"applications", "applicationsets", "appprojects"},
	} {
		for _, resource := range resources {
			rights = append(rights, Right{Group: group, Resource: resource, Verbs: manage})
		}
	}
	if o.Storage {
		rights = append(rights,
			Right{Group: "storage.k8s.io", Resource: "storageclasses", Verbs: []string{"list"}},
			// Gitea's accounts are made in its pod. Which verb that takes depends on the version of Kubernetes.
			Right{Resource: "pods/exec", Verbs: []string{"get", "create"}})
	}
	return rights
}

func with(verbs []string, more ...string) []string { return append(slices.Clone(verbs), more...) }

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
func order() []string { return with(manage, "update", "bind", "escalate") }
