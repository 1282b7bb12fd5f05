package cli

import (
	"context"

	"github.com/back-stack/backstack/internal/report"
)

// progressModes are the values of --progress.
func progressModes() []string {
	return []string{string(report.Auto), string(report.Terminal), string(report.Plain), string(report.JSON)}
}

// reporter shows progress on stderr until the returned function is called. What cannot be shown is no reason to fail.
func (a *app) reporter(ctx context.Context) (report.Reporter, func()) {
	sink := report.New(ctx, a.progress, a.streams.Err)
	return sink, func() { _ = sink.Close() }
}
