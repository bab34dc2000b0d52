package main

import (
	"runtime"
	"sync"
	"unsafe"
)

type fiveFrames [5]uintptr
type sixteenFrames [16]uintptr

// Tracker is that of the article leash takes its idea from: one mutex and one map. Frames is an array for the callers; the
// article has room for five.
type Tracker[Frames any] struct {
	mu   sync.Mutex
	open map[*Tag[Frames]]struct{}
}

// Tag stands for one open resource, with the stack that opened it.
type Tag[Frames any] struct {
	tracker *Tracker[Frames]
	name    string
	callers Frames
	depth   int
}

func newTracker[Frames any]() *Tracker[Frames] {
	return &Tracker[Frames]{open: map[*Tag[Frames]]struct{}{}}
}

// Create returns the tag of a resource that was just opened.
func (tracker *Tracker[Frames]) Create(name string) *Tag[Frames] {
	tag := &Tag[Frames]{tracker: tracker, name: name}
	room := int(unsafe.Sizeof(tag.callers) / unsafe.Sizeof(uintptr(0)))
	tag.depth = runtime.Callers(2, unsafe.Slice((*uintptr)(unsafe.Pointer(&tag.callers)), room))
	tracker.mu.Lock()
	defer tracker.mu.Unlock()
	tracker.open[tag] = struct{}{}
	return tag
}

// Close ends the tag.
func (tag *Tag[Frames]) Close() {
	tag.tracker.mu.Lock()
	defer tag.tracker.mu.Unlock()
	delete(tag.tracker.open, tag)
}
