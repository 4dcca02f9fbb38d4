namespace LoraServe.Engine.Adapters.Intake;

/// <summary>A truncated adapter, checked and ready to be stored; disposing it deletes the files.</summary>
public sealed class TruncatedUpload : IDisposable
{
    internal TruncatedUpload(CheckedUpload adapter, AdapterTruncation truncation) => (Adapter, Truncation) = (adapter, truncation);

    /// <summary>The new version.</summary>
    public CheckedUpload Adapter { get; }

    /// <summary>What is left of the adapter.</summary>
    public AdapterTruncation Truncation { get; }

    /// <summary>Closes and deletes the files.</summary>
    public void Dispose()
    {
        Adapter.Dispose();
        Adapter.Upload.Dispose();
    }
}
