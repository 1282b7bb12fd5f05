package strictyaml

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest returns the candidate that word was most likely meant to be, and whether there is one. A candidate is near if
// few letters differ for its length, or if word begins it; upper and lower case are the same.
func Nearest(word string, candidates []string) (string, bool) {
	const longest = 64 // nobody misspells a longer word by accident, and the distance costs length × length
	if len(word) > longest {
		return "", false
	}
	folded := strings.ToLower(word)
	nearest, least := "", len(word)
	for _, candidate := range candidates {
		other := strings.ToLower(candidate)
		distance := levenshtein.ComputeDistance(folded, other)
		if len(word) > 2 && strings.HasPrefix(other, folded) {
			distance = min(distance, 1)
		}
		if distance < least && distance <= 1+max(len(folded), len(other))/4 {
			nearest, least = candidate, distance
		}
	}
	return nearest, nearest != ""
}

// OneOf returns the end of a message about a word that is none of the candidates:
// want one of kind, eks, gke (did you mean eks?).
func OneOf(word string, candidates []string) string {
	want := "want one of " + strings.Join(candidates, ", ")
	if nearest, ok := Nearest(word, candidates); ok {
		return fmt.Sprintf("%s (did you mean %s?)", want, nearest)
	}
	return want
}
