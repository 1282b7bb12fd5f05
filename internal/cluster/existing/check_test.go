package existing

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

// on describes hub h on the cluster that is called prod in f's kubeconfig.
func on(t *testing.T, f *fakeAPI, change func(*Options)) *Cluster {
	t.Helper()
	o := Options{Name: "h", Dir: filepath.Join(t.TempDir(), "h"), Kubeconfig: f.Kubeconfig(t), Context: "prod"}
	if change != nil {
		change(&o)
	}
	return New(o)
}

// wantFaults checks that an error says all of texts, and nothing of a fault if there are none.
func wantFaults(t *testing.T, err error, texts ...string) {
	t.Helper()
	if len(texts) == 0 && err != nil {
		t.Errorf("error %v, want none", err)
	}
	for _, text := range texts {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v\nwant one that says %q", err, text)
		}
	}
}

func namespace(name, labels string) string {
	return "{apiVersion: v1, kind: Namespace, metadata: {name: " + name + ", labels: {" + labels + "}}}"
}

func deployment(namespace, name, metadata string) string {
	return "{apiVersion: apps/v1, kind: Deployment, metadata: {name: " + name + ", namespace: " + namespace + ", " +
		metadata + "}}"
}

func customKind(group, plural, kind, scope, metadata, spec string) string {
	return fmt.Sprintf("{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, "+
		"metadata: {name: %s.%s, %s}, spec: {group: %s, scope: %s, names: {plural: %s, kind: %s}, "+
		"versions: [{name: v1alpha1, served: true, storage: true}], %s}}",
		plural, group, metadata, group, scope, plural, kind, spec)
}

const mine = "backstack.dev/hub: h"

func TestCheckAcceptsAClusterThatIsNobodys(t *testing.T) {
	f := newFakeAPI(t,
		namespace("local-path-storage", ""), deployment("local-path-storage", "provisioner", ""),
		namespace("calico-system", ""), deployment("calico-system", "typha", ""),
		namespace("team-a", ""), // nothing runs there
		"{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: standard, annotations: "+
			`{storageclass.kubernetes.io/is-default-class: "true"}}}`,
		// Of the same group as Argo CD's, and not Argo CD's.
		customKind("argoproj.io", "rollouts", "Rollout", "Namespaced", "", ""))
	c := on(t, f, func(o *Options) { o.Storage = true })
	wantFaults(t, c.Check(t.Context()))
	if changes := f.Requests(); len(changes) > 0 {
		t.Errorf("checking changed something: %q", changes)
	}
	if _, err := os.Stat(c.options.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("checking made the hub's folder: %v", err)
	}
}

func TestCheckAcceptsTheHubItself(t *testing.T) {
	f := newFakeAPI(t, namespace("argocd", mine), namespace("kyverno", mine), namespace("requests", mine),
		namespace("bead-a", ""), deployment("bead-a", "tool", ""), deployment("argocd", "argocd-server", ""),
		customKind("argoproj.io", "applications", "Application", "Namespaced", "", ""),
		customKind("wgpolicyk8s.io", "policyreports", "PolicyReport", "Namespaced", "", ""),
		// An install that was interrupted has come no further than to Crossplane's definitions.
		customKind("pkg.crossplane.io", "functions", "Function", "Cluster", "annotations: {backstack.dev/sha256: abc}", ""))
	wantFaults(t, on(t, f, nil).Check(t.Context()))
}

func TestCheckFindsWhatOthersHaveOnTheCluster(t *testing.T) {
	for name, test := range map[string]struct {
		objects []string
		change  func(*Options)
		faults  []string
	}{
		"another hub": {
			[]string{namespace("argocd", "backstack.dev/hub: rival"), namespace("kyverno", "backstack.dev/hub: rival")}, nil,
			[]string{"hub rival", "argocd, kyverno"},
		},
		"tenants": {
			[]string{namespace("team-a", ""), deployment("team-a", "web", ""), namespace("team-b", ""),
				"{apiVersion: v1, kind: Pod, metadata: {name: job, namespace: team-b}}"}, nil,
			[]string{"team-a, team-b", "spec.existing.tenants"},
		},
		"tenants that are accepted": {
			[]string{namespace("team-a", ""), deployment("team-a", "web", "")}, func(o *Options) { o.Tenants = true }, nil,
		},
		"components by namespace": {
			[]string{namespace("argocd", ""), namespace("crossplane-system", ""), namespace("kyverno", "")}, nil,
			[]string{"Argo CD is on the cluster", "Crossplane is on the cluster", "Kyverno is on the cluster"},
		},
		"components by definition": {
			[]string{customKind("argoproj.io", "applications", "Application", "Namespaced", "", ""),
				customKind("wgpolicyk8s.io", "policyreports", "PolicyReport", "Namespaced", "", ""),
				customKind("protection.crossplane.io", "usages", "Usage", "Cluster", "", "")}, nil,
			[]string{"applications.argoproj.io", "usages.protection.crossplane.io", "policyreports.wgpolicyk8s.io"},
		},
		"a namespace that the hub wants": {
			[]string{namespace("requests", ""), namespace("gitea", "")}, func(o *Options) { o.Storage = true },
			[]string{"namespace requests", "namespace gitea", "backstack.dev/hub=h"},
		},
		"no storage class": {nil, func(o *Options) { o.Storage = true }, []string{"no storage class"}},
		"no default storage class": {
			[]string{"{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: slow}}"},
			func(o *Options) { o.Storage = true }, []string{"no default storage class", "slow"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := on(t, newFakeAPI(t, test.objects...), test.change).Check(t.Context())
			wantFaults(t, err, test.faults...)
		})
	}
}

func TestCheckFindsTheHubOnAnotherCluster(t *testing.T) {
	f := newFakeAPI(t)
	c := on(t, f, nil)
	if _, err := c.Ensure(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	wantFaults(t, c.Check(t.Context()))
	writeFile(t, c.identityFile(), "another-cluster\n")
	wantFaults(t, c.Check(t.Context()), "hub h is on another cluster")
}

func TestCheckWantsAVersionThatTheChartsAreFor(t *testing.T) {
	for version, fault := range map[string]string{
		"v1.33.9": "Kubernetes 1.33.9", "v1.34.0-gke.100": "", "v1.34.4": "", "v1.35.0-alpha.1": "", "v2.0.0": "",
		"v1.29.1-eks-abc": "want >=1.34.0",
	} {
		f := newFakeAPI(t)
		f.Version = version
		err := on(t, f, nil).Check(t.Context())
		if (err != nil) != (fault != "") || fault != "" && !strings.Contains(err.Error(), fault) {
			t.Errorf("version %s: error %v, want %q", version, err, fault)
		}
	}
}

func TestTheChartsWantTheSameVersion(t *testing.T) {
	paths, err := filepath.Glob("../../../charts/*/Chart.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("charts: %v, %v", paths, err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var chart struct {
			KubeVersion string `json:"kubeVersion"`
		}
		if err := yaml.Unmarshal(data, &chart); err != nil {
			t.Fatal(err)
		}
		if chart.KubeVersion != kubeVersion {
			t.Errorf("%s wants %q, this package %q", path, chart.KubeVersion, kubeVersion)
		}
	}
}

func TestCheckNamesEveryMissingRightAtOnce(t *testing.T) {
	f := newFakeAPI(t, namespace("team-a", ""), deployment("team-a", "web", ""))
	f.Version = "v1.30.0"
	f.Denies = func(a authorizationv1.ResourceAttributes) bool {
		return a.Resource == "clusterroles" && a.Verb == "escalate" || a.Subresource == "portforward" ||
			a.Subresource == "exec" || a.Resource == "secrets" || a.Resource == "*"
	}
	c := on(t, f, func(o *Options) { o.Storage = true })
	wantFaults(t, c.Check(t.Context()),
		"user dev is not allowed",
		"\n  escalate: clusterroles.rbac.authorization.k8s.io\n",
		"\n  create: pods/portforward, secrets\n",
		"\n  get, create: pods/exec\n",
		"\n  get, list, watch, patch, delete: *.*\n",
		"Kubernetes 1.30.0", "team-a")
}

// Whoever is allowed everything in the hub's namespaces alone could install a hub, but neither see its state nor remove it.
func TestCheckWantsRightsInEveryNamespace(t *testing.T) {
	f := newFakeAPI(t)
	f.Denies = func(a authorizationv1.ResourceAttributes) bool { return a.Namespace == "" }
	wantFaults(t, on(t, f, nil).Check(t.Context()), "in every namespace", "*.*", "pods")
}

func TestEnsureWritesAKubeconfigThatStandsAlone(t *testing.T) {
	f := newFakeAPI(t)
	c := on(t, f, nil)
	for range 2 {
		if started, err := c.Ensure(t.Context(), func(string) {}); err != nil || started {
			t.Fatalf("started %v, error %v, want neither", started, err)
		}
	}
	config, err := clientcmd.LoadFromFile(c.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	if config.CurrentContext != "prod" || len(config.Contexts) != 1 || len(config.Clusters) != 1 {
		t.Errorf("it has the contexts %v and clusters %v with %s current, want prod alone", config.Contexts, config.Clusters,
			config.CurrentContext)
	}
	here := config.Clusters["here"]
	if here.CertificateAuthority != "" || len(here.CertificateAuthorityData) == 0 {
		t.Errorf("the authority is at %q, want it embedded", here.CertificateAuthority)
	}
	for path, want := range map[string]os.FileMode{c.options.Dir: 0o700, c.Kubeconfig(): 0o600, c.identityFile(): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want mode %o", path, info, err, want)
		}
	}
	// From here on the person's kubeconfig is not needed.
	status, err := New(Options{Name: "h", Dir: c.options.Dir}).Status(t.Context())
	if err != nil || !status.Exists || !status.Running || status.Version != "1.36.3" || status.Server != f.URL {
		t.Errorf("status %+v, %v, want one of a running cluster", status, err)
	}
}

func TestStatusSaysWhyAClusterDoesNotAnswer(t *testing.T) {
	f := newFakeAPI(t)
	c := on(t, f, nil)
	status, err := c.Status(t.Context())
	if err != nil || status.Exists || status.Running {
		t.Errorf("before Ensure: %+v, %v, want nothing there", status, err)
	}
	if _, err := c.Ensure(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	f.Token = "renewed"
	status, err = c.Status(t.Context())
	if err != nil || !status.Exists || status.Running || !strings.Contains(status.Reason, "refuses the credentials") {
		t.Errorf("with an old token: %+v, %v, want the reason", status, err)
	}
	f.Close()
	status, err = c.Status(t.Context())
	if err != nil || !status.Exists || status.Running || !strings.Contains(status.Reason, "connection refused") {
		t.Errorf("with nothing there: %+v, %v, want the reason", status, err)
	}
}
