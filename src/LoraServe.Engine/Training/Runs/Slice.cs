namespace LoraServe.Engine.Training.Runs;

/// <summary>The end of a slice of work on the engine's thread, after which requests may go first. It holds no dispose scope.</summary>
internal readonly record struct Slice;
