using LoraServe.Api.Requests;
using LoraServe.Files;
using LoraServe.Keys;

namespace LoraServe.Jobs;

/// <summary>The files that a job reads.</summary>
internal static class JobInputs
{
    /// <summary>A file of the caller; null, and a fault, if there is none.</summary>
    /// <param name="files">All files.</param>
    /// <param name="caller">Whose it must be.</param>
    /// <param name="param">The field that names it.</param>
    /// <param name="id">The name.</param>
    /// <param name="faults">Receives the fault.</param>
    public static StoredFile? Find(FileStore files, Caller caller, string param, string id, RequestFaults faults)
    {
        try
        {
            return files.Get(id, caller);
        }
        catch (UnknownFileException e)
        {
            faults.Add(new RequestFault(param, e.Message, "file_not_found"));
            return null;
        }
    }
}
