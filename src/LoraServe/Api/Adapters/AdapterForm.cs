using LoraServe.Api.Requests;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Text.Faults;

namespace LoraServe.Api.Adapters;

/// <summary>Reads the multipart form of an upload part by part, in any order, and streams each file to disk.</summary>
internal static class AdapterForm
{
    private const int MaxNameLength = 256;
    private const int MaxParts = 64;
    private const string Expected =
        "expected a form with the parts name and file (a zip, tar or tar.gz), or name and files (the two PEFT files)";

    /// <param name="request">Its body is the form.</param>
    /// <param name="upload">Receives the files.</param>
    /// <param name="checkName">Refuses a name, before the files are read where the name comes first.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <returns>The adapter's name.</returns>
    /// <exception cref="InvalidRequestException">The form is broken or lacks a part.</exception>
    /// <exception cref="InvalidAdapterException">A file is refused.</exception>
    public static async Task<string> ReadAsync(
        HttpRequest request, AdapterUpload upload, Action<string> checkName, CancellationToken cancellationToken)
    {
        string? name = null;
        var archives = 0;
        var files = 0;
        await MultipartForm.ReadAsync(request, MaxParts, Expected, ReadPartAsync, cancellationToken);

        var missing = new RequestFaults();
        if (string.IsNullOrEmpty(name)) missing.Add(new RequestFault("name", $"is missing: {Expected}"));
        if (archives + files == 0) missing.Add(new RequestFault("file", $"is missing: {Expected}"));
        missing.ThrowIfAny();
        return name!;

        async Task ReadPartAsync(MultipartPart part)
        {
            switch (part.Field)
            {
                case "name" when name is null:
                    name = await ReadNameAsync(part.Body, cancellationToken);
                    if (name.Length > 0) checkName(name);
                    break;
                case "file" when archives++ == 0 && files == 0:
                    await upload.ReadArchiveAsync(part.Body, cancellationToken);
                    break;
                case "files" when archives == 0:
                    files++;
                    await upload.ReadFileAsync(part.FileName, part.Body, cancellationToken);
                    break;
                case "name":
                    throw new InvalidRequestException("name", $"appears twice: {Expected}");
                case "file" or "files":
                    throw new InvalidRequestException("file", $"appears twice, or together with files: {Expected}");
                case var other:
                    throw new InvalidRequestException(null, $"The form has an unknown part '{FaultText.Shorten(other)}': {Expected}");
            }
        }
    }

    private static async Task<string> ReadNameAsync(Stream body, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(body);
        var buffer = new char[MaxNameLength + 1];
        var length = await reader.ReadBlockAsync(buffer, cancellationToken);
        return length <= MaxNameLength
            ? new string(buffer, 0, length)
            : throw new InvalidRequestException("name", $"expected at most {MaxNameLength} characters");
    }
}
