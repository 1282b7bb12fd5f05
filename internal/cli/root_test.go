package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/back-stack/backstack/engine"
	"github.com/back-stack/backstack/hub"
)

// commands lists the root command and all below it but cobra's own.
func commands(t *testing.T) []*cobra.Command {
	t.Helper()
	all := []*cobra.Command{newRootCommand(&app{})}
	for i := 0; i < len(all); i++ {
		for _, c := range all[i].Commands() {
			if c.Name() != "completion" && c.Name() != "help" {
				all = append(all, c)
			}
		}
	}
	if len(all) < 12 {
		t.Fatalf("%d commands, want all of them", len(all))
	}
	return all
}

func TestEveryCommandIsDocumented(t *testing.T) {
	for _, c := range commands(t) {
		t.Run(c.CommandPath(), func(t *testing.T) {
			if c.Short == "" || strings.HasSuffix(c.Short, ".") || strings.Contains(c.Short, "\n") {
				t.Errorf("short help %q, want one phrase", c.Short)
			}
			for line := range strings.Lines(c.Long + "\n" + c.Example) {
				if len(strings.TrimSuffix(line, "\n")) > 120 {
					t.Errorf("line of %d characters, want at most 120: %s", len(line), line)
				}
			}
			c.Flags().VisitAll(func(flag *pflag.Flag) {
				if flag.Usage == "" || strings.HasSuffix(flag.Usage, ".") {
					t.Errorf("--%s has the help %q, want a phrase", flag.Name, flag.Usage)
				}
			})
		})
	}
}

func TestEveryCommandSaysWhatItsArgumentsAre(t *testing.T) {
	for _, c := range commands(t) {
		if c.Args == nil || !c.Runnable() {
			t.Errorf("%s takes any arguments, or cannot be run", c.CommandPath())
		}
	}
}

func TestExitStatus(t *testing.T) {
	cause := errors.New("a reason")
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"no error":               {nil, 0},
		"any error":              {cause, 1},
		"a wrong request":        {&hub.RequestError{Err: cause}, 2},
		"a wrong command line":   {&usageError{cause}, 2},
		"an engine out of reach": {&engine.UnmetError{Faults: []error{cause}}, 2},
		"not healthy":            {&hub.UnhealthyError{Err: cause}, 3},
		"refused":                {&hub.RefusedError{Err: cause}, 4},
	} {
		if got := exitStatus(t.Context(), c.err); got != c.want {
			t.Errorf("%s: status %d, want %d", name, got, c.want)
		}
		if c.err == nil {
			continue
		}
		if got := exitStatus(t.Context(), fmt.Errorf("installing: %w", c.err)); got != c.want {
			t.Errorf("%s, wrapped: status %d, want %d", name, got, c.want)
		}
	}
	ctx, interrupt := context.WithCancelCause(t.Context())
	interrupt(errInterrupted)
	if got := exitStatus(ctx, &hub.RequestError{Err: cause}); got != 1 {
		t.Errorf("interrupted while looking at the request: status %d, want 1", got)
	}
}

func TestErrorsArePrintedOnceOnStderr(t *testing.T) {
	var stdout, stderr bytes.Buffer
	status := Run([]string{"version", "extra"}, Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr})
	if status != 2 || stdout.Len() > 0 || strings.Count(stderr.String(), "\n") != 1 || !strings.HasPrefix(stderr.String(), "Error: ") {
		t.Errorf("status %d, stdout %q, stderr %q; want 2 and one line on stderr", status, stdout.String(), stderr.String())
	}
}
