package spec

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestFlagsRefuseABadWordWhileParsing(t *testing.T) {
	var provider Provider
	mode := ModeAudit
	flags := pflag.NewFlagSet("install", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Var(&provider, "provider", "where the hub runs")
	flags.Var(&mode, "mode", "what policies do")

	for argument, want := range map[string]string{
		"--provider=ek":   "want one of embedded, kind, eks, gke, existing (did you mean eks?)",
		"--provider=":     "want one of embedded, kind, eks, gke, existing",
		"--mode=enforced": "want one of Audit, Enforce (did you mean Enforce?)",
	} {
		if err := flags.Parse([]string{argument}); err == nil || !strings.HasSuffix(err.Error(), `flag: `+want) {
			t.Errorf("%s: error %v, want %s", argument, err, want)
		}
	}
	if provider != "" || mode != ModeAudit {
		t.Errorf("refused words were taken: %q, %q", provider, mode)
	}
	if err := flags.Parse([]string{"--provider", "gke", "--mode", "Enforce"}); err != nil {
		t.Fatal(err)
	}
	if provider != ProviderGKE || mode != ModeEnforce {
		t.Errorf("parsed %q and %q, want gke and Enforce", provider, mode)
	}
}
