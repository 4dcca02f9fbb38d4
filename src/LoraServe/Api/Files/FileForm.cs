using System.Globalization;
using System.Text;
using LoraServe.Api.Requests;
using LoraServe.Files;
using LoraServe.Text.Faults;

namespace LoraServe.Api.Files;

/// <summary>The fields of an upload.</summary>
/// <param name="Name">What the client calls the file.</param>
/// <param name="Purpose">One of <see cref="FilePurpose.Uploaded"/>.</param>
/// <param name="Lifetime">After which it goes by itself; null: never.</param>
internal sealed record FileForm(string Name, string Purpose, TimeSpan? Lifetime)
{
    private const int MaxParts = 16;
    private const int MaxFieldLength = 256;
    private const int MinLifetime = 3600;
    private const int MaxLifetime = 2_592_000;
    private const string Expected = "expected a multipart form with the parts purpose and file";
    private const string LifetimePart = "expires_after[seconds]";
    private const string AnchorPart = "expires_after[anchor]";

    /// <summary>Reads a multipart form part by part, in any order, and streams its file to disk.</summary>
    /// <param name="request">Its body is the form.</param>
    /// <param name="path">Receives the file.</param>
    /// <param name="mostBytes">Of the file.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="InvalidRequestException">With every fault.</exception>
    /// <exception cref="BadHttpRequestException">The file is too large.</exception>
    public static async Task<FileForm> ReadAsync(HttpRequest request, string path, long mostBytes, CancellationToken cancellationToken)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        string? name = null;
        await MultipartForm.ReadAsync(request, MaxParts, Expected, ReadPartAsync, cancellationToken);
        return Check(name, fields);

        async Task ReadPartAsync(MultipartPart part)
        {
            var isNew = part.Field == "file" ? name is null : !fields.ContainsKey(part.Field);
            if (!isNew) throw new InvalidRequestException(part.Field, $"appears twice: {Expected}");
            if (part.Field == "file")
            {
                name = Shown(part.FileName);
                await CopyAsync(part.Body, path, mostBytes, cancellationToken);
            }
            else if (part.Field is "purpose" or LifetimePart or AnchorPart)
            {
                fields[part.Field] = await ReadFieldAsync(part.Field, part.Body, cancellationToken);
            }
            else
            {
                throw new InvalidRequestException(null, $"The form has an unknown part '{FaultText.Shorten(part.Field)}': {Expected}", "unknown_parameter");
            }
        }
    }

    private static FileForm Check(string? name, Dictionary<string, string> fields)
    {
        var faults = new RequestFaults();
        if (name is null) faults.Add(new("file", $"is missing: {Expected}"));
        if (fields.GetValueOrDefault("purpose") is not { } purpose) faults.Add(new("purpose", $"is missing: {Expected}"));
        else if (!FilePurpose.Uploaded.Contains(purpose))
            faults.Add(new("purpose", $"expected {string.Join(" or ", FilePurpose.Uploaded)}, found '{FaultText.Shorten(purpose)}'"));
        if (fields.GetValueOrDefault(AnchorPart) is { } anchor && anchor != "created_at")
            faults.Add(new("expires_after.anchor", $"expected created_at, found '{FaultText.Shorten(anchor)}'"));
        TimeSpan? lifetime = null;
        if (fields.GetValueOrDefault(LifetimePart) is { } text)
        {
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
                && seconds is >= MinLifetime and <= MaxLifetime)
            {
                lifetime = TimeSpan.FromSeconds(seconds);
            }
            else
            {
                faults.Add(new("expires_after.seconds", $"expected a whole number from {MinLifetime} to {MaxLifetime}, found '{FaultText.Shorten(text)}'"));
            }
        }

        faults.ThrowIfAny();
        return new FileForm(name!, fields["purpose"], lifetime);
    }

    private static async Task CopyAsync(Stream body, string path, long mostBytes, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write);
        var buffer = new byte[1 << 16];
        while (await body.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            if (file.Length + read > mostBytes)
                throw new BadHttpRequestException("The file is too large.", StatusCodes.Status413PayloadTooLarge);
            await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            await file.FlushAsync(cancellationToken);
        }
    }

    private static async Task<string> ReadFieldAsync(string field, Stream body, CancellationToken cancellationToken)
    {
        var buffer = new byte[MaxFieldLength + 1];
        var length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        return length <= MaxFieldLength
            ? Encoding.UTF8.GetString(buffer, 0, length)
            : throw new InvalidRequestException(field, $"has more than {MaxFieldLength} bytes");
    }

    // It is shown and sent back, never used as a path.
    private static string Shown(string name)
    {
        name = new string([.. name.Where(letter => !char.IsControl(letter))]);
        name = name[(name.LastIndexOfAny(['/', '\\']) + 1)..];
        return name.Length == 0 ? "file" : name[..Math.Min(name.Length, MaxFieldLength)];
    }
}
