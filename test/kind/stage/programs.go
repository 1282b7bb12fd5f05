package stage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/back-stack/backstack/charts"
)

// nested is a Go module from whose pins programs are built as upstream has them: without the changes that the engine
// makes for an embedded hub.
type nested struct {
	dir      string // below the project's folder
	programs []string
	stamps   map[string]string // string variables that the linker sets
	cgo      bool
	tags     string
}

const (
	argocdModule     = "github.com/argoproj/argo-cd/v3"
	crossplaneModule = "github.com/crossplane/crossplane/v2"
	kyvernoModule    = "github.com/kyverno/kyverno"
	kyvernoAPIModule = "github.com/kyverno/api"
	gatewayModule    = "sigs.k8s.io/gateway-api"
	giteaModule      = "code.gitea.io/gitea"
)

// programsDir pins the programs that only tests have.
const programsDir = "test/kind/stage/programs"

// nestedModules lists what is built besides the engine. Argo CD's own main package needs modules that nothing else
// does, so Argo CD is the engine's program with the same components, which without its environment variable only
// chooses one.
func nestedModules() []nested {
	return []nested{
		{
			dir: "engine/platform",
			programs: []string{
				"./argocd",
				crossplaneModule + "/cmd/crossplane",
				kyvernoModule + "/cmd/kyverno", kyvernoModule + "/cmd/kyverno-init",
				kyvernoModule + "/cmd/background-controller", kyvernoModule + "/cmd/cleanup-controller",
				kyvernoModule + "/cmd/reports-controller", kyvernoModule + "/cmd/readiness-checker",
			},
			stamps: map[string]string{
				argocdModule + "/common.version":                                  charts.ArgoCD,
				"github.com/crossplane/crossplane-runtime/v2/pkg/version.version": "v" + charts.Crossplane,
				kyvernoModule + "/pkg/version.BuildVersion":                       "v" + charts.Kyverno,
			},
		},
		{
			dir: "engine/gitea", programs: []string{giteaModule, giteaModule + "/contrib/environment-to-ini"},
			cgo: true, tags: "sqlite,sqlite_unlock_notify",
			stamps: map[string]string{
				"main.Version": charts.Gitea,
				// Upstream's image has these files within the program.
				giteaModule + "/modules/setting.StaticRootPath": giteaFiles,
			},
		},
		{
			dir: programsDir,
			programs: []string{
				"github.com/hashicorp/http-echo", "github.com/traefik/traefik/v3/cmd/traefik",
				"sigs.k8s.io/kustomize/kustomize/v5",
			},
			stamps: map[string]string{"github.com/traefik/traefik/v3/pkg/version.Version": traefikVersion},
		},
	}
}

// giteaFiles is where Gitea's image has its files.
const giteaFiles = "/usr/share/gitea"

// build makes the programs of every nested module in the folder to, under the last parts of their packages' paths.
func build(ctx context.Context, root, to string, told func(string)) error {
	for _, n := range nestedModules() {
		told("building the programs of " + n.dir)
		linker := "-s -w"
		for _, variable := range slices.Sorted(maps.Keys(n.stamps)) { // another order would make another program
			linker += " -X " + variable + "=" + n.stamps[variable]
		}
		// The flags are the engine's: what it has compiled is not compiled again.
		args := append([]string{
			"build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-gcflags=all=-dwarf=0", "-tags=" + n.tags,
			"-ldflags=" + linker, "-o", to + string(filepath.Separator),
		}, n.programs...)
		if _, err := runGo(ctx, filepath.Join(root, n.dir), n.cgo, args...); err != nil {
			return fmt.Errorf("building the programs of %s: %w", n.dir, err)
		}
	}
	return nil
}

// moduleFolders downloads modules that the engine pins and returns their folders by path.
func moduleFolders(ctx context.Context, root string) (map[string]string, error) {
	return downloaded(ctx, root, map[string][]string{
		"engine/platform": {argocdModule, crossplaneModule, kyvernoModule, kyvernoAPIModule},
		"engine/gitea":    {giteaModule},
	})
}

// GatewayDefinitions returns the folder of the definitions of the Gateway API, in the version that Traefik is built with.
func GatewayDefinitions(ctx context.Context) (string, error) {
	root, err := projectRoot(ctx)
	if err != nil {
		return "", err
	}
	folders, err := downloaded(ctx, root, map[string][]string{programsDir: {gatewayModule}})
	return filepath.Join(folders[gatewayModule], "config", "crd", "standard"), err
}

// downloaded downloads modules by the folders of those that pin them, and returns their own folders by path.
func downloaded(ctx context.Context, root string, wanted map[string][]string) (map[string]string, error) {
	folders := map[string]string{}
	for dir, modules := range wanted {
		out, err := runGo(ctx, filepath.Join(root, dir), false, append([]string{"mod", "download", "-json"}, modules...)...)
		if err != nil {
			return nil, fmt.Errorf("downloading the modules of %s: %w", dir, err)
		}
		for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
			var m struct{ Path, Dir string }
			if err := decoder.Decode(&m); err != nil {
				return nil, fmt.Errorf("downloading the modules of %s: %w", dir, err)
			}
			folders[m.Path] = m.Dir
		}
	}
	return folders, nil
}

// runGo runs the go command for a nested module, in the engine's environment.
func runGo(ctx context.Context, dir string, cgo bool, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0", "CGO_CFLAGS=-O1", "GOGC=400")
	if cgo {
		cmd.Env = append(cmd.Env, "CGO_ENABLED=1")
	}
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("go %s: %w: %s", args[0], err, strings.TrimSpace(words.String()))
	}
	return out.Bytes(), nil
}

// projectRoot is the folder of the project.
func projectRoot(ctx context.Context) (string, error) {
	out, err := runGo(ctx, ".", false, "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return "", fmt.Errorf("looking for the project's folder: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}
