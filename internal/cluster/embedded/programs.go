package embedded

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/back-stack/backstack/engine"
	"github.com/back-stack/backstack/internal/supervisor"
)

// programs makes the processes of one hub: which program, with which arguments, after which others, and how it shows
// that it does its work.
type programs struct {
	Layout
	engine *engine.Engine
	ports  Ports
}

// process fills in what all processes have in common. The environment is made from nothing: what a program needs is
// named here, and no credential of the caller's reaches it.
func (p programs) process(name, program string, args []string, env ...string) supervisor.Process {
	return supervisor.Process{
		Name: name,
		Path: p.engine.Program(program),
		Args: args,
		Dir:  p.Sockets(), // the paths of Unix sockets are short when they are relative
		Env: append([]string{
			"PATH=" + filepath.Dir(p.engine.Program(program)) + string(os.PathListSeparator) + systemPath,
			"HOME=" + p.Temp(),
			"TMPDIR=" + p.Temp(),
			"LANG=C.UTF-8",
			"SETTLE_EVERY=" + settleEvery,
		}, env...),
	}
}

// settleEvery is how often the engine's own programs see whether they hold memory that they do not need any more. An
// install is over before the first time: collecting garbage during it would make it slower.
const settleEvery = "20s"

// systemPath is where git is found; the programs' own folder comes before it.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// memory bounds the memory of a Go program: as its heap comes near the limit in MiB, the collector works harder. Below it
// the collector works as by default: letting it work harder from the start made an install a second slower.
func memory(limit string) []string { return []string{"GOMEMLIMIT=" + limit + "MiB"} }

// seldom is for the programs that work most while a hub starts: they collect garbage a quarter as often as by default, which
// makes an install a second faster, and have some more memory when they have settled.
const seldom = "GOGC=400"

// https makes a probe of a server of ours, with the administrator's certificate.
func (p programs) https(port int, path string) *supervisor.Probe {
	return &supervisor.Probe{
		URL:  loopbackURL(port) + path,
		CA:   p.PKI().Cert("ca"),
		Cert: p.PKI().Cert("admin"),
		Key:  p.PKI().Key("admin"),
	}
}

// socket makes a probe of a server on a Unix socket.
func (p programs) socket(name, path string) *supervisor.Probe {
	return &supervisor.Probe{URL: "http://localhost" + path, Socket: filepath.Join(p.Sockets(), name)}
}

// flags makes arguments of the form --name=value from pairs of names and values.
func flags(pairs ...string) []string {
	var args []string
	for i := 0; i+1 < len(pairs); i += 2 {
		args = append(args, "--"+pairs[i]+"="+pairs[i+1])
	}
	return args
}

func list(values ...string) string { return strings.Join(values, ",") }
