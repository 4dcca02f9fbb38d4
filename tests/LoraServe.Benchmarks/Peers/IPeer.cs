namespace LoraServe.Benchmarks.Peers;

/// <summary>An engine that can be measured.</summary>
internal interface IPeer : IDisposable
{
    /// <summary>Runs a case once.</summary>
    /// <returns>Seconds of what is timed.</returns>
    double Run(PeerCase one);
}
