using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Peft;

namespace LoraServe.Engine.Adapters.Intake;

/// <summary>
/// An upload that fits the base, with its files open: it can be analyzed, and stored once. Disposing it closes the files; the upload stays.
/// </summary>
public sealed class CheckedUpload : IDisposable
{
    private int _disposed;

    internal CheckedUpload(AdapterUpload upload, AddOptions options, AdapterInfo info, PeftAdapter peft) =>
        (Upload, Options, Info, Peft) = (upload, options, info, peft);

    /// <summary>Its description under the name that it is to get.</summary>
    public AdapterInfo Info { get; }

    /// <summary>Where it comes from, for people; null if not given.</summary>
    public string? Provenance => Options.Provenance;

    internal AdapterUpload Upload { get; }

    internal AddOptions Options { get; }

    internal PeftAdapter Peft { get; }

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) Peft.Dispose();
    }
}
