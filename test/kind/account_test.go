//go:build e2e

package kind

import (
	"regexp"
	"strings"
	"testing"

	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/test/internal/hubtest"
)

// deniedPattern is a line of the message about rights: verbs, and the resources that they are wanted for.
var deniedPattern = regexp.MustCompile(`(?m)^ +([a-z]+(?:, [a-z]+)*): ([a-z0-9./*]+(?:, [a-z0-9./*]+)*)$`)

// grantWhatIsMissing gives an account the rights that a message says are missing, and no others.
func grantWhatIsMissing(t *testing.T, client *kube.Client, account, message string) {
	t.Helper()
	var rules []any
	for _, line := range deniedPattern.FindAllStringSubmatch(message, -1) {
		var verbs []any
		for _, verb := range strings.Split(line[1], ", ") {
			verbs = append(verbs, verb)
		}
		for _, resource := range strings.Split(line[2], ", ") {
			resource, subresource, _ := strings.Cut(resource, "/")
			resource, group, _ := strings.Cut(resource, ".")
			if subresource != "" {
				resource += "/" + subresource
			}
			rules = append(rules, map[string]any{"apiGroups": []any{group}, "resources": []any{resource}, "verbs": verbs})
		}
	}
	if len(rules) < 2 {
		t.Fatalf("the message is %s\nwant it to list the rights that are missing", message)
	}
	hubtest.Allow(t, client, account, rules...)
}
