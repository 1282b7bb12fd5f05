package embedded

import (
	"bytes"
	_ "embed"
	"fmt"
	"path/filepath"
	"strconv"
	"text/template"

	"github.com/back-stack/backstack/internal/atomicfile"
	"github.com/back-stack/backstack/internal/supervisor"
)

//go:embed templates/app.ini
var appINI string

// gitea is the Git host of the hub's repositories.
func (p programs) gitea() []supervisor.Process {
	process := p.process("gitea", "gitea", append([]string{"web"}, flags("config", p.giteaConfig())...), append(memory("160"),
		"GOGC=50", // most of its memory is made while it starts, and it has no way to give that back later
		"GITEA_WORK_DIR="+p.Data("gitea"),
		// Gitea delivers its webhook to Argo CD, whose certificate comes from the hub's own authority.
		"SSL_CERT_FILE="+p.PKI().Cert("ca"),
		// On a hub everything belongs to the one user who started it, who may be root.
		"GITEA_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT=true",
	)...)
	process.Ready = p.https(p.ports[PortGitea], "/api/healthz")
	return []supervisor.Process{process}
}

func (p programs) giteaConfig() string { return filepath.Join(p.Data("gitea"), "app.ini") }

func (p programs) writeGiteaFiles() error {
	config, err := template.New("app.ini").Option("missingkey=error").Parse(appINI)
	if err != nil {
		return fmt.Errorf("reading the template of Gitea's configuration: %w", err)
	}
	for _, name := range []string{"gitea-secret-key", "gitea-internal-token"} {
		if _, err := p.Secrets().Random(name); err != nil {
			return err
		}
	}
	var out bytes.Buffer
	if err := config.Execute(&out, map[string]string{
		"Data":        p.Data("gitea"),
		"Port":        strconv.Itoa(p.ports[PortGitea]),
		"Cert":        p.PKI().Cert("gitea"),
		"Key":         p.PKI().Key("gitea"),
		"Static":      p.engine.Share("gitea"),
		"Credentials": p.Credentials(),
	}); err != nil {
		return fmt.Errorf("writing Gitea's configuration: %w", err)
	}
	return atomicfile.Write(p.giteaConfig(), out.Bytes(), 0o600)
}
