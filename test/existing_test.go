package test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/back-stack/backstack/internal/cluster/existing"
	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/test/internal/hubtest"
)

var (
	deployments  = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	clusterRoles = schema.GroupVersionResource{
		Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles",
	}
	definitions = schema.GroupVersionResource{
		Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
	}
)

// TestExistingCluster takes the cluster of an embedded hub for one that somebody else made. The hub on it is real, with
// every definition, policy and finalizer, but that it has no pods: what has to be waited for there is tested with kind.
func TestExistingCluster(t *testing.T) {
	hub := machine.Hub("existing")
	hub.Must(t, "install")
	c := &existingCluster{Hub: hub, client: hub.Client(t), admin: hub.Outputs(t).Kubeconfig}
	for _, part := range []struct {
		name string
		test func(*testing.T, *existingCluster)
	}{
		{"the hub itself is accepted", testOwnHub},
		{"contexts and addresses that lead nowhere", testNowhere},
		{"several kubeconfigs", testSeveralKubeconfigs},
		{"credentials that are no longer good", testOldCredentials},
		{"every missing right is named", testMissingRights},
		{"repositories elsewhere", testRepositoriesElsewhere},
		{"other tenants and another hub", testOthers},
		{"removal is refused while something is in use", testRemovalRefused},
		{"removal", testRemoval},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, c) })
	}
	hub.Must(t, "uninstall")
}

// existingCluster is a hub's cluster, and who may do everything on it.
type existingCluster struct {
	*hubtest.Hub
	client *kube.Client
	admin  string // the administrator's kubeconfig
}

// options name the hub's cluster as somebody would who has its kubeconfig.
func (c *existingCluster) options(t *testing.T) existing.Options {
	t.Helper()
	return existing.Options{
		Name: c.Name, Dir: filepath.Join(t.TempDir(), "hub"), Kubeconfig: c.admin, Context: c.context(t),
	}
}

// context is that of the administrator's kubeconfig.
func (c *existingCluster) context(t *testing.T) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(c.admin)
	if err != nil {
		t.Fatal(err)
	}
	return config.CurrentContext
}

// kubeconfig writes a changed copy of the administrator's, and returns its path.
func (c *existingCluster) kubeconfig(t *testing.T, change func(*api.Config, *api.Cluster, *api.AuthInfo)) string {
	t.Helper()
	return hubtest.Kubeconfig(t, c.admin, change)
}

// check checks the cluster and wants an error that says all of faults, or none if there are none.
func check(t *testing.T, o existing.Options, faults ...string) {
	t.Helper()
	err := existing.New(o).Check(hubtest.Patient(t))
	if err != nil && len(faults) == 0 {
		t.Errorf("error %v, want none", err)
	}
	for _, fault := range faults {
		if err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("error %v\nwant one that says %q", err, fault)
		}
	}
}

func testOwnHub(t *testing.T, c *existingCluster) {
	o := c.options(t)
	check(t, o)
	provider := existing.New(o)
	for range 2 {
		if started, err := provider.Ensure(hubtest.Patient(t), nil); err != nil || started {
			t.Fatalf("started %v, error %v, want neither", started, err)
		}
	}
	check(t, o)
	status, err := provider.Status(hubtest.Patient(t))
	want := c.Status(t).Cluster
	if err != nil || !status.Running || status.Version != want.Version || status.Server != want.Server {
		t.Errorf("status %+v, %v, want that of %+v", status, err, want)
	}
	if _, err := kube.New(provider.Kubeconfig()); err != nil {
		t.Error(err)
	}
}

func testNowhere(t *testing.T, c *existingCluster) {
	o := c.options(t)
	name := o.Context
	o.Context = name + "s"
	check(t, o, "want one of "+name, "did you mean "+name+"?")
	o.Context = ""
	check(t, o, "none is named", "want one of "+name)

	o.Context = name
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	o.Kubeconfig = c.kubeconfig(t, func(_ *api.Config, cluster *api.Cluster, _ *api.AuthInfo) {
		cluster.Server = "https://" + closed.Addr().String()
	})
	check(t, o, "connecting to https://"+closed.Addr().String(), "connection refused")
	o.Kubeconfig = c.kubeconfig(t, func(_ *api.Config, cluster *api.Cluster, _ *api.AuthInfo) {
		cluster.CertificateAuthority, cluster.CertificateAuthorityData = "", nil
	})
	check(t, o, "its certificate is not from the authority in the kubeconfig")
}

func testSeveralKubeconfigs(t *testing.T, c *existingCluster) {
	users := c.kubeconfig(t, func(config *api.Config, _ *api.Cluster, _ *api.AuthInfo) {
		config.Contexts, config.Clusters, config.CurrentContext = nil, nil, ""
	})
	rest := c.kubeconfig(t, func(config *api.Config, _ *api.Cluster, _ *api.AuthInfo) { config.AuthInfos = nil })
	o := c.options(t)
	o.Kubeconfig = ""
	t.Setenv("KUBECONFIG", users)
	check(t, o, users+" has none")
	list := []string{users, filepath.Join(t.TempDir(), "none"), rest}
	t.Setenv("KUBECONFIG", strings.Join(list, string(filepath.ListSeparator)))
	check(t, o)
}

// account makes a service account with a ClusterRole of the rules, and returns a kubeconfig of it.
func (c *existingCluster) account(t *testing.T, name string, rules ...any) string {
	t.Helper()
	return hubtest.Account(t, c.client, c.admin, name, rules...)
}

func (c *existingCluster) apply(t *testing.T, objects ...map[string]any) {
	t.Helper()
	hubtest.Apply(t, c.client, objects...)
}

func (c *existingCluster) remove(t *testing.T, resource schema.GroupVersionResource, namespace, name string) {
	t.Helper()
	ctx := hubtest.Patient(t)
	kept := c.client.Dynamic().Resource(resource).Namespace(namespace)
	if err := kept.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	gone := func(objects []*unstructured.Unstructured) (bool, string) {
		there := slices.ContainsFunc(objects, func(obj *unstructured.Unstructured) bool { return obj.GetName() == name })
		return !there, resource.Resource + " " + name + " to go"
	}
	if err := c.client.Until(ctx, resource, namespace, gone, nil); err != nil {
		t.Fatal(err)
	}
}

func testOldCredentials(t *testing.T, c *existingCluster) {
	o := c.options(t)
	o.Kubeconfig = c.account(t, "gone")
	c.remove(t, hubtest.ServiceAccounts, "default", "gone")
	// The API server believes for a moment what it has just looked up.
	hubtest.Eventually(t, "the token to be refused", func() error {
		err := existing.New(o).Check(hubtest.Patient(t))
		if err == nil || !strings.Contains(err.Error(), "refuses the credentials") {
			return errors.Join(errors.New("want the credentials refused"), err)
		}
		return nil
	})
	o.Kubeconfig = c.kubeconfig(t, func(_ *api.Config, _ *api.Cluster, user *api.AuthInfo) {
		*user = api.AuthInfo{Token: "nonsense"}
	})
	check(t, o, "refuses the credentials", "renew them")
}

func testMissingRights(t *testing.T, c *existingCluster) {
	o := c.options(t)
	o.Kubeconfig = c.account(t, "reader", map[string]any{
		"apiGroups": []any{"*"}, "resources": []any{"*"}, "verbs": []any{"get", "list", "watch"},
	}, map[string]any{
		"apiGroups": []any{"", "apps"}, "resources": []any{"namespaces", "deployments", "secrets"}, "verbs": []any{"*"},
	})
	err := existing.New(o).Check(hubtest.Patient(t))
	if err == nil {
		t.Fatal("there is no error, want one that lists rights")
	}
	for _, want := range []string{
		"user system:serviceaccount:default:reader is not allowed",
		"\n  create, bind, escalate: clusterroles.rbac.authorization.k8s.io, roles.rbac.authorization.k8s.io\n",
		"\n  patch, delete: *.*",
		"pods/portforward",
		"applications.argoproj.io", "functions.pkg.crossplane.io", "customresourcedefinitions.apiextensions.k8s.io",
		"validatingpolicies.policies.kyverno.io",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %v\nwant one that says %q", err, want)
		}
	}
	for _, allowed := range []string{"deployments", "secrets", " namespaces"} {
		if strings.Contains(err.Error(), allowed) {
			t.Errorf("error %v\nnames %s, which are allowed", err, allowed)
		}
	}
}

func testOthers(t *testing.T, c *existingCluster) {
	c.apply(t,
		map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "team-a"}})
	o := c.options(t)
	check(t, o) // nothing runs there
	c.apply(t, map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web", "namespace": "team-a"},
		"spec": map[string]any{
			"replicas": int64(0), "selector": map[string]any{"matchLabels": map[string]any{"app": "web"}},
			"template": map[string]any{
				"metadata": map[string]any{"labels": map[string]any{"app": "web"}},
				"spec":     map[string]any{"containers": []any{map[string]any{"name": "web", "image": "example.com/web:1"}}},
			},
		},
	})
	check(t, o, "other tenants, in the namespaces team-a,")
	o.Tenants = true
	check(t, o)
	o.Name = "rival"
	check(t, o, "hub "+c.Name, "argocd, crossplane-system, kyverno, requests")
}

func testRemovalRefused(t *testing.T, c *existingCluster) {
	testBead(t, c.Hub)
	o := c.options(t)
	provider := existing.New(o)
	if _, err := provider.Ensure(hubtest.Patient(t), nil); err != nil {
		t.Fatal(err)
	}
	err := provider.Delete(hubtest.Patient(t))
	var inUse *existing.InUseError
	if !errors.As(err, &inUse) || !slices.Equal(inUse.Objects, []string{"Greeting bead-demo/card"}) {
		t.Fatalf("error %v, want an InUseError with the greeting", err)
	}
	c.AwaitHealthy(t)
	c.remove(t, greetings, "bead-demo", "card")
}

// testRemoval removes the hub, is interrupted, and removes it again. Kyverno's webhooks are not looked for: its
// processes, which a cluster with pods would not have any more, make them anew.
func testRemoval(t *testing.T, c *existingCluster) {
	o := c.options(t)
	interrupted, cancel := context.WithCancelCause(hubtest.Patient(t))
	o.Waiting = func(what string) {
		if strings.HasPrefix(what, "CustomResourceDefinition") {
			cancel(errors.New("enough"))
		}
	}
	provider := existing.New(o)
	if _, err := provider.Ensure(hubtest.Patient(t), nil); err != nil {
		t.Fatal(err)
	}
	if err := provider.Delete(interrupted); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Fatalf("error %v, want one of an interrupted removal", err)
	}
	o.Waiting = nil
	if err := existing.New(o).Delete(hubtest.Patient(t)); err != nil {
		t.Fatal(err)
	}
	for _, resource := range []schema.GroupVersionResource{namespaces, clusterRoles, definitions, deployments} {
		objects, err := c.client.List(hubtest.Patient(t), resource, "")
		if err != nil {
			t.Fatal(err)
		}
		var left []string
		for _, obj := range objects {
			if obj.GetLabels()["kubernetes.io/bootstrapping"] == "" {
				left = append(left, obj.GetName())
			}
		}
		slices.Sort(left)
		want := map[schema.GroupVersionResource][]string{
			namespaces:   {"default", "kube-node-lease", "kube-public", "kube-system", "team-a"},
			clusterRoles: {"gone", "reader"},
			deployments:  {"web"},
		}[resource]
		if !slices.Equal(left, want) {
			t.Errorf("%s %q are left, want %q", resource.Resource, left, want)
		}
	}
}
