package spec

import (
	"reflect"
	"testing"
)

func TestResolveFillsInDefaults(t *testing.T) {
	yes, no := true, false
	want := Default("demo")
	want.Spec = Spec{
		Provider: ProviderEmbedded,
		Components: map[string]Component{
			ArgoCD:     {Enabled: &yes, Version: PinnedVersion(ArgoCD)},
			Crossplane: {Enabled: &yes, Version: PinnedVersion(Crossplane)},
			Gitea:      {Enabled: &yes, Version: PinnedVersion(Gitea)},
			Kyverno:    {Enabled: &yes, Version: PinnedVersion(Kyverno)},
			Traefik:    {Enabled: &no, Version: PinnedVersion(Traefik)},
		},
		Policies: Policies{Mode: ModeAudit},
		Embedded: &Embedded{},
	}
	if got := Resolve(Default("demo")); !reflect.DeepEqual(got, want) {
		t.Errorf("resolved\n%+v, want\n%+v", got, want)
	}
}

func TestResolveFollowsTheRepositories(t *testing.T) {
	h := Default("demo")
	h.Spec.Provider = ProviderKind
	h.Spec.Repositories = &Repositories{Hub: "https://h/a", Requests: "https://h/b"}
	r := Resolve(h)
	if *r.Spec.Components[Gitea].Enabled {
		t.Error("Gitea is enabled though the repositories lie elsewhere")
	}
	if r.Spec.Embedded != nil {
		t.Error("embedded is filled in for the provider kind")
	}
	if err := r.Validate(); err != nil {
		t.Errorf("the resolved hub is invalid: %v", err)
	}
}

func TestResolveTwiceChangesNothingMore(t *testing.T) {
	for name, data := range files(t, "valid/*.yaml") {
		h, err := Load(data, name)
		if err != nil {
			t.Fatal(err)
		}
		once := Resolve(h)
		if twice := Resolve(once); !reflect.DeepEqual(once, twice) {
			t.Errorf("%s: resolved\n%+v, and then\n%+v", name, once, twice)
		}
		if err := once.Validate(); err != nil {
			t.Errorf("%s: the resolved hub is invalid: %v", name, err)
		}
	}
}

func TestResolveLeavesTheHubAlone(t *testing.T) {
	data := files(t, "valid/*.yaml")["everything.yaml"]
	h, _ := Load(data, "hub.yaml")
	r := Resolve(h)
	*r.Spec.Components[Kyverno].Enabled = true
	r.Spec.Components[Kyverno].Values["labels"].(map[string]any)["on"] = "changed"
	r.Spec.Components[Kyverno].Values["list"].([]any)[1].([]any)[0] = "changed"
	r.Spec.Policies.Namespaces[0] = "changed"
	r.Spec.Repositories.Hub = "changed"
	r.Spec.Embedded.Ports.Gitea = 7
	if want, _ := Load(data, "hub.yaml"); !reflect.DeepEqual(h, want) {
		t.Errorf("the hub became\n%+v, want\n%+v", h, want)
	}
}

func TestResolveLeavesAHubOnKindAlone(t *testing.T) {
	data := files(t, "valid/*.yaml")["kind.yaml"]
	h, err := Load(data, "hub.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := Resolve(h).Spec
	s.Kind.Image, s.Kind.PortMappings[0].HostPort, s.Kind.Mounts[0].HostPath = "changed", 7, "changed"
	s.Kind.Mirrors["docker.io"], s.Registry.Prefix, s.Ingress.Domain = "changed", "changed", "changed"
	s.Components[ArgoCD].Chart.Digest = "changed"
	if want, _ := Load(data, "hub.yaml"); !reflect.DeepEqual(h, want) {
		t.Errorf("the hub became\n%+v, want\n%+v", h, want)
	}
	data = files(t, "valid/*.yaml")["existing.yaml"]
	if h, err = Load(data, "hub.yaml"); err != nil {
		t.Fatal(err)
	}
	Resolve(h).Spec.Existing.Context = "changed"
	if h.Spec.Existing.Context != "production" {
		t.Errorf("the context became %s", h.Spec.Existing.Context)
	}
}

func TestEveryComponentHasAFullPinnedVersion(t *testing.T) {
	for _, name := range Components() {
		if err := PinnedVersion(name).Check("1.2.3"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if v := PinnedVersion("backstage"); v != "" {
		t.Errorf("what is no component has the pinned version %s", v)
	}
}

func TestVersionCheck(t *testing.T) {
	for _, v := range []Version{"1.2.3", "v1.2.3", "0.0.0", "1.2.3-rc.1", "1.2.3+build", "1.2.3-rc.1+build"} {
		if err := v.Check("1.2.3"); err != nil {
			t.Errorf("%s: %v", v, err)
		}
	}
	for _, v := range []Version{"", "v", "1", "1.2", "1.2.3.4", "vv1.2.3", "V1.2.3", "1.2.x", "^1.2.3", "1.2.3 ",
		"01.2.3", "1.2.3-",
		"1.2.3+", "1.2.99999999999999999999", "latest"} {
		if err := v.Check("1.2.3"); err == nil {
			t.Errorf("%q counts as a full version", v)
		}
	}
}
