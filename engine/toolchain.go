package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"go/version"
	"os"
	"os/exec"
	"strings"
)

// toolchain is the Go that builds engines.
type toolchain struct {
	path    string // of the go command
	version string // of the Go that compiles, for example "go1.26.8": a newer one than path's if that fetches it
	env     goEnv
}

// goEnv is what go env says of the variables that matter here.
type goEnv struct {
	Version   string `json:"GOVERSION"`
	Toolchain string `json:"GOTOOLCHAIN"`
	Cache     string `json:"GOCACHE"`
	ModCache  string `json:"GOMODCACHE"`
	Proxy     string `json:"GOPROXY"`
	CC        string `json:"CC"`
}

// findToolchain returns a Go that can build modules of the given Go version, for example "1.26.6".
func findToolchain(ctx context.Context, need string) (*toolchain, error) {
	path, err := exec.LookPath("go")
	if err != nil {
		return nil, fmt.Errorf("no Go is on the PATH: %s, or %s", installGo(need), archiveWay)
	}
	// In the root folder, so that no go.mod of the caller's chooses another version of Go.
	out, err := runTool(ctx, toolRun{
		dir:  "/",
		path: path,
		args: []string{"env", "-json", "GOVERSION", "GOTOOLCHAIN", "GOCACHE", "GOMODCACHE", "GOPROXY", "CC"},
		env:  []string{"GOWORK=off"},
	})
	if err != nil {
		return nil, fmt.Errorf("asking %s for its settings: %w", path, err)
	}
	found := &toolchain{path: path}
	if err := json.Unmarshal(out, &found.env); err != nil {
		return nil, fmt.Errorf("asking %s for its settings: %w", path, err)
	}
	found.version, err = compilerVersion(found.env, need)
	if err != nil {
		return nil, fmt.Errorf("%s is %w", path, err)
	}
	return found, nil
}

// compilerVersion returns the version of Go that will compile modules that need at least the given one.
func compilerVersion(env goEnv, need string) (string, error) {
	has, _, _ := strings.Cut(env.Version, " ") // what follows are experiments
	if !version.IsValid(has) || version.Compare(has, "go"+need) >= 0 {
		return has, nil // a version that is not valid is one of Go's development branch
	}
	if strings.Contains(env.Toolchain, "auto") || strings.Contains(env.Toolchain, "path") {
		return "go" + need, nil
	}
	hint := ""
	if version.Compare(has, "go1.21") >= 0 {
		hint = "set GOTOOLCHAIN=auto so that it fetches that itself, "
	}
	return "", fmt.Errorf("%s, too old: %s, %sor %s", has, installGo(need), hint, archiveWay)
}

func installGo(need string) string { return "install Go " + need + " or later from https://go.dev/dl/" }

// checkCompiler says whether the C compiler that Go would use can compile.
func (t *toolchain) checkCompiler(ctx context.Context) error {
	command := strings.Fields(t.env.CC)
	if len(command) == 0 {
		command = []string{"gcc"}
	}
	path, err := exec.LookPath(command[0])
	if err != nil {
		return fmt.Errorf("the C compiler %s is not on the PATH, which Gitea's SQLite needs: %s, or %s",
			command[0], installHint("gcc", "libc6-dev"), archiveWay)
	}
	_, err = runTool(ctx, toolRun{
		dir:   "/",
		path:  path,
		args:  append(command[1:], "-E", "-o", os.DevNull, "-x", "c", "-"),
		input: "#include <stdlib.h>\n",
	})
	if err != nil {
		return fmt.Errorf("the C compiler %s finds no C library to compile with: %s, or %s",
			path, installHint("libc6-dev"), archiveWay)
	}
	return nil
}

// checkGit says whether git is there, which applies our patches and which Argo CD and Gitea run.
func checkGit() error {
	if _, err := exec.LookPath("git"); err != nil {
		return fmt.Errorf("git is not on the PATH: %s", installHint("git"))
	}
	return nil
}

// installHint says how to get Debian packages, in words that help on another system too.
func installHint(packages ...string) string {
	if _, err := exec.LookPath("apt-get"); err == nil {
		return "install it with `apt-get install " + strings.Join(packages, " ") + "`"
	}
	return "install it with the system's package manager (Debian calls it " + strings.Join(packages, " and ") + ")"
}
