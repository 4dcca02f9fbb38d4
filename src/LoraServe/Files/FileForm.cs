using System.Globalization;
using System.Text;
using LoraServe.Hosting;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace LoraServe.Files;

/// <summary>The fields of an upload.</summary>
/// <param name="Name">What the client calls the file.</param>
/// <param name="Purpose">One of <see cref="FilePurpose.Uploaded"/>.</param>
/// <param name="Lifetime">After which it goes by itself; null: never.</param>
internal sealed record FileForm(string Name, string Purpose, TimeSpan? Lifetime)
{
    // RFC 2046, section 5.1.1.
    private const int MaxBoundaryLength = 70;
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
        var boundary = MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            && type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase)
            ? HeaderUtilities.RemoveQuotes(type.Boundary).ToString()
            : "";
        if (boundary.Length == 0) throw new InvalidRequestException(null, $"The body is no multipart form: {Expected}");
        if (boundary.Length > MaxBoundaryLength)
            throw new InvalidRequestException(null, $"The form's boundary has more than {MaxBoundaryLength} characters");
        var reader = new MultipartReader(boundary, request.Body);
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        string? name = null;
        try
        {
            for (var parts = 0; await reader.ReadNextSectionAsync(cancellationToken) is { } section; parts++)
            {
                if (parts == MaxParts) throw new InvalidRequestException(null, $"The form has more than {MaxParts} parts: {Expected}");
                var part = section.GetContentDispositionHeader();
                var field = part is null ? "" : HeaderUtilities.RemoveQuotes(part.Name).ToString();
                var isNew = field == "file" ? name is null : !fields.ContainsKey(field);
                if (!isNew) throw new InvalidRequestException(field, $"is there twice: {Expected}");
                if (field == "file")
                {
                    name = FileName(part!);
                    await CopyAsync(section.Body, path, mostBytes, cancellationToken);
                }
                else if (field is "purpose" or LifetimePart or AnchorPart)
                {
                    fields[field] = await ReadFieldAsync(field, section.Body, cancellationToken);
                }
                else
                {
                    throw new InvalidRequestException(null, $"The form has an unknown part '{field}': {Expected}", "unknown_parameter");
                }
            }
        }
        catch (InvalidDataException e)
        {
            throw new InvalidRequestException(null, $"The form is broken: {e.Message}");
        }
        // The reader of forms has no other name for a missing end; faults of the disk carry the system's code.
        catch (IOException e) when (e.HResult == new IOException().HResult && e is not BadHttpRequestException)
        {
            throw new InvalidRequestException(null, $"The form ends before its closing boundary: {Expected}");
        }

        return Check(name, fields);
    }

    private static FileForm Check(string? name, Dictionary<string, string> fields)
    {
        var faults = new List<RequestFault>();
        if (name is null) faults.Add(new("file", $"is missing: {Expected}"));
        if (fields.GetValueOrDefault("purpose") is not { } purpose) faults.Add(new("purpose", $"is missing: {Expected}"));
        else if (!FilePurpose.Uploaded.Contains(purpose))
            faults.Add(new("purpose", $"expected {string.Join(" or ", FilePurpose.Uploaded)}, found '{purpose}'"));
        if (fields.GetValueOrDefault(AnchorPart) is { } anchor && anchor != "created_at")
            faults.Add(new("expires_after.anchor", $"expected created_at, found '{anchor}'"));
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
                faults.Add(new("expires_after.seconds", $"expected a whole number from {MinLifetime} to {MaxLifetime}, found '{text}'"));
            }
        }

        return faults.Count == 0 ? new FileForm(name!, fields["purpose"], lifetime) : throw new InvalidRequestException(faults);
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
    private static string FileName(ContentDispositionHeaderValue part)
    {
        var name = HeaderUtilities.RemoveQuotes(part.FileNameStar.HasValue ? part.FileNameStar : part.FileName).ToString();
        name = new string([.. name.Where(letter => !char.IsControl(letter))]);
        name = name[(name.LastIndexOfAny(['/', '\\']) + 1)..];
        return name.Length == 0 ? "file" : name[..Math.Min(name.Length, MaxFieldLength)];
    }
}
