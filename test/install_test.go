package test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/test/internal/hubtest"
)

var applications = hubtest.Applications

// hubApplications are those that every hub has.
var hubApplications = []string{"argocd", "crossplane", "hub", "kyverno", "policies", "requests"}

func testStatus(t *testing.T, hub *hubtest.Hub) {
	status := hub.Status(t)
	if status.Hub != hub.Name || !status.Healthy || !status.Cluster.Healthy || status.Cluster.Provider != "embedded" {
		t.Errorf("status %+v, want hub %s, healthy, on a healthy embedded cluster", status, hub.Name)
	}
	var components, names []string
	for _, component := range status.Components {
		components = append(components, component.Name)
		if !component.Healthy || component.Reason == nil || len(component.Programs) == 0 {
			t.Errorf("component %+v, want a healthy one with programs and the field reason", component)
		}
	}
	if want := []string{"kubernetes", "argocd", "crossplane", "gitea", "kyverno"}; !slices.Equal(components, want) {
		t.Errorf("components %v, want %v", components, want)
	}
	for _, app := range status.Applications {
		names = append(names, app.Name)
		if app.Sync != "Synced" || app.Health != "Healthy" {
			t.Errorf("application %+v, want Synced and Healthy", app)
		}
	}
	if !slices.Equal(names, hubApplications) {
		t.Errorf("applications %v, want %v", names, hubApplications)
	}
	if status.Beads == nil || status.Spokes == nil {
		t.Errorf("beads %v and spokes %v, want lists", status.Beads, status.Spokes)
	}
	checkStatusText(t, hub)
}

func testAdoption(t *testing.T, hub *hubtest.Hub) { hub.CheckAdopted(t, hubApplications...) }

func checkStatusText(t *testing.T, hub *hubtest.Hub) {
	t.Helper()
	text := hub.Must(t, "status")
	headings := []string{"HUB", "COMPONENT", "APPLICATION", "kubernetes", "gitea", "Healthy"}
	for _, want := range slices.Concat(hubApplications, headings) {
		if !strings.Contains(text, want) {
			t.Errorf("status lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "Unhealthy") {
		t.Errorf("status of a healthy hub:\n%s", text)
	}
}

func testOutputs(t *testing.T, hub *hubtest.Hub) {
	outputs := hub.Outputs(t)
	if one := strings.TrimSpace(hub.Must(t, "outputs", "kubeconfig")); one != outputs.Kubeconfig {
		t.Errorf("outputs kubeconfig prints %q, want %q", one, outputs.Kubeconfig)
	}
	result := hub.Run(t, "outputs", "kubecofnig").Want(t, 2)
	if !strings.Contains(result.Stderr, `no output "kubecofnig"`) || !strings.Contains(result.Stderr, "kubeconfig") {
		t.Errorf("an unknown output is refused with %s", result.Stderr)
	}
	list, err := hub.Client(t).List(hubtest.Patient(t), applications, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, app := range list {
		sync, _, _ := unstructured.NestedString(app.Object, "status", "sync", "status")
		health, _, _ := unstructured.NestedString(app.Object, "status", "health", "status")
		if sync != "Synced" || health != "Healthy" {
			t.Errorf("application %s is %s and %s, want Synced and Healthy", app.GetName(), sync, health)
		}
	}
	if len(list) != len(hubApplications) {
		t.Errorf("%d applications, want %d", len(list), len(hubApplications))
	}
	login(t, outputs)
}

// testEngineList checks that the programs that the hub runs are listed as those that this backstack uses.
func testEngineList(t *testing.T, hub *hubtest.Hub) {
	var engines []struct {
		Hash     string `json:"hash"`
		Current  bool   `json:"current"`
		Manifest struct {
			Programs []struct {
				Name string `json:"name"`
			} `json:"programs"`
		} `json:"manifest"`
	}
	if err := json.Unmarshal([]byte(hub.Must(t, "engine", "list", "-o", "json")), &engines); err != nil {
		t.Fatal(err)
	}
	for _, engine := range engines {
		if !engine.Current {
			continue
		}
		if len(engine.Manifest.Programs) < 5 {
			t.Errorf("the engine has the programs %v, want more", engine.Manifest.Programs)
		}
		text := hub.Must(t, "engine", "list")
		for _, program := range engine.Manifest.Programs {
			if !strings.Contains(text, program.Name) {
				t.Errorf("the list for people has no %s:\n%s", program.Name, text)
			}
		}
		return
	}
	t.Errorf("the engines are %+v, want one that is current", engines)
}

// login checks that the user name and the password in outputs open Argo CD.
func login(t *testing.T, outputs hubtest.Outputs) {
	t.Helper()
	body, err := json.Marshal(map[string]string{
		"username": outputs.ArgoCD.Username,
		"password": strings.TrimSpace(hubtest.ReadFile(t, outputs.ArgoCD.Credential)),
	})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(
		hubtest.Patient(t), http.MethodPost, outputs.ArgoCD.URL+"/api/v1/session", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := trusting(t, outputs).Do(request)
	if err != nil {
		t.Fatalf("logging in to Argo CD: %v", err)
	}
	defer func() { _ = response.Body.Close() }()
	var session struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&session); err != nil || session.Token == "" {
		t.Errorf("logging in to Argo CD: %s, %v; want a token", response.Status, err)
	}
}

func testInstallAgain(t *testing.T, hub *hubtest.Hub) {
	before := observe(t, hub)
	hub.Must(t, "install")
	before.check(t, hub)
	checkCommits(t, hub)
}
