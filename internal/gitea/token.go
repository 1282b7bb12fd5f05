package gitea

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Admin runs `gitea admin user` with further arguments where the server runs, and returns what it prints. An error has what
// it wrote to its standard error, and nothing of its output, in which there are a password and a token.
type Admin func(ctx context.Context, args ...string) (string, error)

// NewToken makes Owner's account with a password that nobody needs, and returns a new access token of it. Gitea makes
// both itself and prints the token, so that neither is among anybody's arguments.
func NewToken(ctx context.Context, admin Admin) (string, error) {
	name := "backstack-" + rand.Text()[:8]
	output, err := admin(ctx, "create", "--username="+Owner, "--email="+Owner+"@hub.invalid", "--admin",
		"--random-password", "--must-change-password=false", "--access-token", "--access-token-name="+name)
	if err != nil && strings.Contains(err.Error(), "already exists") {
		// An earlier install was killed before it could keep the token.
		output, err = admin(ctx, "generate-access-token", "--username="+Owner, "--token-name="+name, "--scopes=all")
	}
	if err != nil {
		return "", fmt.Errorf("making the account %s in Gitea: %w", Owner, err)
	}
	token := tokenPattern.FindString(output)
	if token == "" {
		return "", errors.New("making an access token in Gitea: it printed none")
	}
	return token, nil
}

var tokenPattern = regexp.MustCompile(`\b[0-9a-f]{40}\b`)
