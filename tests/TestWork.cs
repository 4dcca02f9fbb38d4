using LoraServe.Engine;

namespace LoraServe.Tests;

/// <summary>Sliced work that a test writes as a function.</summary>
/// <param name="advance">Does a slice, and says whether more are left.</param>
internal sealed class TestWork(Func<bool> advance) : ISlicedWork
{
    public bool Advance() => advance();
}
