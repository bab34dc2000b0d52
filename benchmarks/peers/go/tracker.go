package main

import (
	"runtime"
	"sync"
)

const frames = 5

// Tracker is that of the article leash takes its idea from: one mutex and one map.
type Tracker struct {
	mu   sync.Mutex
	open map[*Tag]struct{}
}

// Tag stands for one open resource, with the stack that opened it.
type Tag struct {
	tracker *Tracker
	name    string
	callers [frames]uintptr
	depth   int
}

func newTracker() *Tracker {
	return &Tracker{open: map[*Tag]struct{}{}}
}

// Create returns the tag of a resource that was just opened.
func (tracker *Tracker) Create(name string) *Tag {
	tag := &Tag{tracker: tracker, name: name}
	tag.depth = runtime.Callers(2, tag.callers[:])
	tracker.mu.Lock()
	defer tracker.mu.Unlock()
	tracker.open[tag] = struct{}{}
	return tag
}

// Close ends the tag.
func (tag *Tag) Close() {
	tag.tracker.mu.Lock()
	defer tag.tracker.mu.Unlock()
	delete(tag.tracker.open, tag)
}
